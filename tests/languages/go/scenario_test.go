// A session with the service, from the login to an exceeded rate limit, with the generated clients.
//
// scenario.py and scenario.mts do the same in the same order. emulated.py starts it.
package scenario

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"scenario/ims"
	"scenario/umapi"
)

type ready struct {
	Organization  string
	UmHttpsUrl    string
	ImsHttpsUrl   string
	ManagementUrl string
	CaPath        string
	Credentials   struct{ ClientId, ClientSecret, Scopes, TechnicalAccountId, PrivateKey string }
}

// session is a client with a token, and its connection data.
type session struct {
	*testing.T
	ready
	client *umapi.APIClient
	ctx    context.Context
}

func TestScenario(t *testing.T) {
	var r ready
	must(t, json.Unmarshal([]byte(os.Getenv("UMAPI_EMULATOR_READY")), &r))
	trust := trusting(t, r.CaPath)
	oauthToken, jwtToken := bothLogins(t, r, trust)
	newSession(t, r, trust, jwtToken).pagesOfUsers()
	s := newSession(t, r, trust, oauthToken)
	s.everyKindOfStep()
	s.errors()
	s.aLimit()
	fmt.Println("Go: both logins, pages, every kind of step, errors and a rate limit, over TLS")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// equal compares two lists of values, because Go has no tuples.
func equal(t *testing.T, got []any, want ...any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("\n     got %#v\nexpected %#v", got, want)
	}
}

func list(values ...any) []any { return values }

func trusting(t *testing.T, caPath string) *http.Client {
	certificate, err := os.ReadFile(caPath)
	must(t, err)
	roots := x509.NewCertPool()
	equal(t, list(roots.AppendCertsFromPEM(certificate)), true)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

func newSession(t *testing.T, r ready, trust *http.Client, token string) session {
	configuration := umapi.NewConfiguration()
	configuration.Servers = umapi.ServerConfigurations{{URL: r.UmHttpsUrl}}
	configuration.HTTPClient = trust
	ctx := context.WithValue(context.Background(), umapi.ContextAccessToken, token)
	ctx = context.WithValue(ctx, umapi.ContextAPIKeys, map[string]umapi.APIKey{"apiKey": {Key: r.Credentials.ClientId}})
	return session{t, r, umapi.NewAPIClient(configuration), ctx}
}

// bothLogins returns the access tokens of an OAuth login and a JWT login.
func bothLogins(t *testing.T, r ready, trust *http.Client) (string, string) {
	configuration := ims.NewConfiguration()
	configuration.Servers = ims.ServerConfigurations{{URL: r.ImsHttpsUrl}}
	configuration.HTTPClient = trust
	login := ims.NewAPIClient(configuration).LoginAPI
	c := r.Credentials
	request := login.RequestToken(context.Background()).GrantType("client_credentials").ClientId(c.ClientId).Scope(c.Scopes)
	oauth, response, err := request.ClientSecret(c.ClientSecret).Execute()
	must(t, err)
	// Seconds here, milliseconds below.
	equal(t, list(response.StatusCode, *oauth.TokenType, oauth.ExpiresIn), 200, "bearer", int64(86_400))

	exchange := login.ExchangeJwt(context.Background()).ClientId(c.ClientId).ClientSecret(c.ClientSecret)
	exchanged, response, err := exchange.JwtToken(signedJwt(t, r)).Execute()
	must(t, err)
	equal(t, list(response.StatusCode, exchanged.ExpiresIn), 200, int64(86_400_000))

	_, response, err = request.ClientSecret("wrong").Execute()
	var refused *ims.GenericOpenAPIError
	equal(t, list(errors.As(err, &refused), response.StatusCode), true, 401)
	equal(t, list(refused.Model().(ims.LoginError).Error), "invalid_client")
	return oauth.AccessToken, exchanged.AccessToken
}

func signedJwt(t *testing.T, r ready) string {
	ims, err := url.Parse(r.ImsHttpsUrl)
	must(t, err)
	claims, err := json.Marshal(map[string]any{
		"exp": time.Now().Unix() + 600,
		"iss": r.Organization,
		"sub": r.Credentials.TechnicalAccountId,
		"aud": fmt.Sprintf("https://%s/c/%s", ims.Host, r.Credentials.ClientId),
		fmt.Sprintf("https://%s/s/ent_user_sdk", ims.Host): true,
	})
	must(t, err)
	block, _ := pem.Decode([]byte(r.Credentials.PrivateKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	unsigned := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	hash := sha256.Sum256([]byte(unsigned))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), crypto.SHA256, hash[:])
	must(t, err)
	return unsigned + "." + encode(signature)
}

func (s session) pagesOfUsers() {
	var users []umapi.User
	for number, size := range []int{4, 4, 1} {
		id := fmt.Sprintf("page-%d", number)
		page, response, err := s.client.UsersAPI.ListUsers(s.ctx, s.Organization, int32(number)).XRequestId(id).Execute()
		must(s.T, err)
		equal(s.T, list(response.StatusCode, page.Result, page.LastPage), 200, "success", number == 2)
		var headers []any
		for _, name := range []string{"X-Request-Id", "X-Total-Count", "X-Page-Count", "X-Current-Page", "X-Page-Size"} {
			headers = append(headers, response.Header.Get(name))
		}
		// Technical accounts are counted, but not listed.
		equal(s.T, headers, id, "10", "3", strconv.Itoa(number), strconv.Itoa(size))
		users = append(users, page.Users...)
	}
	bob := users[slices.IndexFunc(users, func(user umapi.User) bool { return user.GetEmail() == "bob@enterprise.example" })]
	equal(s.T, list(len(users), *bob.Lastname, *bob.Type, *bob.Status), 9, "佐藤", "enterpriseID", "active")

	members, _, err := s.client.UsersAPI.ListUsersInGroup(s.ctx, s.Organization, 0, "R&D / Labs (100 %)").Execute()
	must(s.T, err)
	equal(s.T, list(len(members.Users), *members.Users[0].Username, *members.Users[0].Domain), 1, "lee", "usernames.example")
}

func onUser(user string, steps ...umapi.UserStep) umapi.Command {
	return umapi.Command{UserCommand: umapi.NewUserCommand(user, steps)}
}

func onGroup(usergroup string, steps ...umapi.UserGroupStep) umapi.Command {
	return umapi.Command{UserGroupCommand: umapi.NewUserGroupCommand(usergroup, steps)}
}

func addTo(groups ...string) umapi.UserStep {
	return umapi.UserStep{AddMembershipsStep: umapi.NewAddMembershipsStep(umapi.UserMemberships{Group: groups})}
}

func (s session) run(testOnly bool, commands ...umapi.Command) *umapi.ActionResponse {
	s.Helper()
	request := s.client.ActionsAPI.ExecuteActions(s.ctx, s.Organization).Command(commands).TestOnly(testOnly)
	answer, _, err := request.Execute()
	must(s.T, err)
	return answer
}

func counts(answer *umapi.ActionResponse) []any {
	return list(answer.Result, answer.GetCompleted(), answer.GetNotCompleted(), answer.GetCompletedInTestMode())
}

func (s session) user(name string) umapi.User {
	s.Helper()
	answer, _, err := s.client.UsersAPI.GetUser(s.ctx, s.Organization, name).Execute()
	must(s.T, err)
	return *answer.User
}

func (s session) everyKindOfStep() {
	all, yes, no := umapi.ALL, true, false
	description, lastname, print, onPaper := "Pages", "Müller-李", "Print", "Pages, on paper"
	ignore, update := "ignoreIfAlreadyExists", "updateIfAlreadyExists"

	zoe := onUser("zoe@mail.example",
		umapi.UserStep{AddAdobeIdStep: umapi.NewAddAdobeIdStep(umapi.NewAdobeId{Email: "zoe@mail.example", Option: &ignore})},
		addTo("Photoshop", "_admin_Design"))
	zoe.UserCommand.UseAdobeID = &yes
	joined := s.run(false, zoe,
		onUser("yan@enterprise.example",
			umapi.UserStep{CreateEnterpriseIdStep: umapi.NewCreateEnterpriseIdStep(
				*umapi.NewNewEnterpriseId("yan@enterprise.example", "Yan", "Before"))},
			umapi.UserStep{UpdateStep: umapi.NewUpdateStep(umapi.UserUpdate{Lastname: &lastname})}),
		onUser("xin@federated.example",
			umapi.UserStep{CreateFederatedIdStep: umapi.NewCreateFederatedIdStep(
				*umapi.NewNewFederatedId("xin@federated.example", "Xin", "Wang", "CN"))},
			addTo("Sales", "R&D / Labs (100 %)"),
			umapi.UserStep{RemoveMembershipsStep: umapi.NewRemoveMembershipsStep(
				umapi.UserRemoval{UserMemberships: &umapi.UserMemberships{Group: []string{"Sales"}}})}),
		onGroup("Layout",
			umapi.UserGroupStep{CreateUserGroupStep: umapi.NewCreateUserGroupStep(
				umapi.UserGroupCreation{Description: &description, Option: &update})},
			umapi.UserGroupStep{AddMembersStep: umapi.NewAddMembersStep(umapi.UserGroupMembers{
				User: []string{"jdoe@example.com", "jane@example.com"}, ProductConfiguration: []string{"Photoshop", "All Apps"}})},
			umapi.UserGroupStep{RemoveMembersStep: umapi.NewRemoveMembersStep(umapi.UserGroupRemoval{
				UserGroupMembers: &umapi.UserGroupMembers{
					User: []string{"jane@example.com"}, ProductConfiguration: []string{"All Apps"}}})}))
	equal(s.T, counts(joined), "success", int32(4), int32(0), int32(0))
	equal(s.T, list(len(joined.Errors), len(joined.Warnings)), 0, 0)
	equal(s.T, list(s.user("xin@federated.example").Groups), []string{"R&D / Labs (100 %)"})

	deprecated := s.run(false,
		onUser("yan@enterprise.example",
			umapi.UserStep{AddMembershipsStep: umapi.NewAddMembershipsStep(umapi.UserMemberships{
				Product: []string{"Photoshop"}, ProductConfiguration: []string{"All Apps"}, Usergroup: []string{"Design"}})},
			umapi.UserStep{AddRolesStep: umapi.NewAddRolesStep(
				umapi.RoleLists{Admin: []string{"Design", "Sales"}, ProductAdmin: []string{"Adobe Photoshop"}})},
			umapi.UserStep{RemoveRolesStep: umapi.NewRemoveRolesStep(umapi.RoleLists{Admin: []string{"Sales"}})},
			umapi.UserStep{ResetPasswordStep: umapi.NewResetPasswordStep(map[string]any{})}),
		onUser("xin@federated.example",
			umapi.UserStep{RemoveFromDomainStep: umapi.NewRemoveFromDomainStep(*umapi.NewDomainRemoval("federated.example"))}),
		onGroup("Layout",
			umapi.UserGroupStep{AddMembersStep: umapi.NewAddMembersStep(
				umapi.UserGroupMembers{Users: []string{"jane@example.com"}, Product: []string{"All Apps"}})}))
	equal(s.T, counts(deprecated), "success", int32(3), int32(0), int32(0))
	var warnings, expected []any
	for _, each := range deprecated.Warnings {
		warnings = append(warnings, fmt.Sprintf("%d.%d %s", each.Index, *each.Step.Int64, each.WarningCode))
	}
	// One warning per deprecated key: three in the first step, two in the last.
	for _, place := range strings.Fields("0.0 0.0 0.0 0.1 0.2 0.3 1.0 2.0 2.0") {
		expected = append(expected, place+" warning.command.deprecated")
	}
	equal(s.T, warnings, expected...)
	yan := s.user("yan@enterprise.example")
	groups := []string{"All Apps", "Design", "Photoshop", "_admin_Design", "_product_admin_Adobe Photoshop"}
	equal(s.T, list(*yan.Lastname, slices.Sorted(slices.Values(yan.Groups))), lastname, groups)

	left := s.run(false,
		onUser("zoe@mail.example",
			umapi.UserStep{RemoveMembershipsStep: umapi.NewRemoveMembershipsStep(umapi.UserRemoval{AllMemberships: &all})},
			umapi.UserStep{RemoveFromOrgStep: umapi.NewRemoveFromOrgStep(umapi.OrgRemoval{DeleteAccount: &no})}),
		onUser("yan@enterprise.example",
			umapi.UserStep{RemoveFromOrgStep: umapi.NewRemoveFromOrgStep(umapi.OrgRemoval{DeleteAccount: &yes})}),
		onGroup("Layout",
			umapi.UserGroupStep{RemoveMembersStep: umapi.NewRemoveMembersStep(umapi.UserGroupRemoval{AllMemberships: &all})},
			umapi.UserGroupStep{UpdateUserGroupStep: umapi.NewUpdateUserGroupStep(
				umapi.UserGroupUpdate{Name: &print, Description: &onPaper})}))
	equal(s.T, counts(left), "success", int32(3), int32(0), int32(0))
	deletion := onGroup("Print",
		umapi.UserGroupStep{DeleteUserGroupStep: umapi.NewDeleteUserGroupStep(map[string]any{})})
	equal(s.T, counts(s.run(true, deletion)), "success", int32(0), int32(0), int32(1))
	equal(s.T, counts(s.run(false, deletion)), "success", int32(1), int32(0), int32(0))
}

// errorBody is the described body of an error response.
func (s session) errorBody(err error) umapi.ErrorBody {
	s.Helper()
	var failure *umapi.GenericOpenAPIError
	if !errors.As(err, &failure) {
		s.Fatalf("not an error of the service: %v", err)
	}
	return failure.Model().(umapi.ErrorBody)
}

func (s session) errors() {
	_, response, err := s.client.UsersAPI.GetUser(s.ctx, s.Organization, "yan@enterprise.example").Execute()
	gone := s.errorBody(err).ServiceError
	equal(s.T, list(response.StatusCode, gone.Result), 404, "error.user.not_found")

	good, bad := "good", "bad"
	first := onUser("jdoe@example.com", addTo("Sales"))
	first.UserCommand.RequestID = &good
	second := onUser("jane@example.com", addTo("Design"), addTo("No such group"))
	second.UserCommand.RequestID = &bad
	partial := s.run(false, first, second)
	equal(s.T, counts(partial), "partial", int32(1), int32(1), int32(0))
	equal(s.T, list(len(partial.Errors)), 1)
	found := partial.Errors[0]
	equal(s.T, list(found.Index, *found.Step.Int64, found.ErrorCode, *found.RequestID, *found.User),
		int32(1), int64(1), "error.group.not_found", "bad", "jane@example.com")
}

func (s session) aLimit() {
	groups := s.client.GroupsAPI.ListGroups(s.ctx, s.Organization, 0)
	for range 5 {
		page, _, err := groups.Execute()
		must(s.T, err)
		equal(s.T, list(page.LastPage), true)
	}
	_, response, err := groups.Execute()
	throttled := s.errorBody(err).GatewayError
	equal(s.T, list(response.StatusCode, throttled.ErrorCode), 429, "429050")
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	must(s.T, err)
	equal(s.T, list(seconds), 60)
	wait := bytes.NewBufferString(fmt.Sprintf(`{"seconds":%d}`, seconds))
	response, err = http.Post(s.ManagementUrl+"/clock/advance", "application/json", wait)
	must(s.T, err)
	must(s.T, response.Body.Close())
	equal(s.T, list(response.StatusCode), 200)
	_, response, err = groups.Execute()
	must(s.T, err)
	equal(s.T, list(response.StatusCode), 200)
}
