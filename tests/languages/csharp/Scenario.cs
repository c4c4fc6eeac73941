// A session with the service, from the login to an exceeded rate limit, with the generated clients.
//
// scenario.py, scenario.mts and scenario_test.go do the same in the same order. emulated.py starts it.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Ims.Api;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Umapi.Api;
using Umapi.Client;
using Umapi.Model;

internal sealed class Scenario
{
    private readonly JObject ready;
    private readonly string organization;
    private readonly HttpClientHandler trusting;
    private UsersApi users;
    private GroupsApi groups;
    private ActionsApi actions;

    public static void Main(string[] arguments)
    {
        ExamplesAreRead(arguments[0]);
        var scenario = new Scenario(JObject.Parse(Environment.GetEnvironmentVariable("UMAPI_EMULATOR_READY")));
        var (oauth, jwt) = scenario.BothLogins();
        scenario.Use(jwt);
        scenario.PagesOfUsers();
        scenario.Use(oauth);
        scenario.EveryKindOfStep();
        scenario.Errors();
        scenario.ALimit();
        Console.WriteLine("C#: examples, both logins, pages, every kind of step, errors and a rate limit, over TLS");
    }

    // Integers as numbers, as strings and as null: what the plain form of the description is for.
    private static void ExamplesAreRead(string folder)
    {
        foreach (var quota in new object[] { 25L, "25", "UNLIMITED", null })
        {
            var profile = JsonConvert.SerializeObject(new { id = "1", licenseQuota = quota });
            Equal(JsonConvert.DeserializeObject<ProfileConfiguration>(profile).LicenseQuota, quota);
        }
        var examples = new (string, Type)[]
        {
            ("users-every-type.json", typeof(UserPage)),
            ("groups-every-type.json", typeof(GroupPage)),
            ("products.json", typeof(List<Product>)),
            ("product-configurations.json", typeof(ProductConfigurations)),
            ("user-groups.json", typeof(List<UserGroup>)),
            ("legacy-users.json", typeof(List<LegacyUser>)),
            ("action-response-partial.json", typeof(ActionResponse)),
        };
        foreach (var (name, type) in examples)
        {
            var text = File.ReadAllText(Path.Combine(folder, name));
            var read = JToken.Parse(JsonConvert.SerializeObject(JsonConvert.DeserializeObject(text, type)));
            // The classes have no difference between absent, null and zero.
            foreach (var expected in JToken.Parse(text).SelectTokens("$..*").OfType<JValue>())
            {
                var got = read.SelectToken(expected.Path);
                if (got != null || (expected.Type != JTokenType.Null && !expected.Equals(new JValue(0))))
                {
                    Equal(got, expected, name, expected.Path);
                }
            }
        }
    }

    private Scenario(JObject ready)
    {
        this.ready = ready;
        organization = Text("organization");
        var authority = X509Certificate2.CreateFromPem(File.ReadAllText(Text("caPath")));
        trusting = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, certificate, chain, _) =>
            {
                chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                chain.ChainPolicy.CustomTrustStore.Add(authority);
                return chain.Build(certificate);
            },
        };
    }

    private string Text(string name) => (string)ready[name];

    private string Credential(string name) => (string)ready["credentials"][name];

    private void Use(string token)
    {
        var configuration = new Configuration { BasePath = Text("umHttpsUrl"), AccessToken = token };
        configuration.AddApiKey("X-Api-Key", Credential("clientId"));
        var http = new HttpClient(trusting, false);
        users = new UsersApi(http, configuration);
        groups = new GroupsApi(http, configuration);
        actions = new ActionsApi(http, configuration);
    }

    private static void Equal(object got, object expected, params string[] context)
    {
        if (!object.Equals(got, expected))
        {
            throw new Exception($"{string.Join(" ", context)}\n     got {got}\nexpected {expected}");
        }
    }

    private static void EqualLists<T>(IEnumerable<T> got, params T[] expected)
    {
        Equal(JsonConvert.SerializeObject(got), JsonConvert.SerializeObject(expected));
    }

    // The generated dictionary distinguishes upper and lower case; HTTP does not.
    private static string Header(Multimap<string, string> headers, string name)
    {
        return headers.Single(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value.Single();
    }

    // The access tokens of an OAuth login and a JWT login.
    private (string, string) BothLogins()
    {
        var login = new LoginApi(new HttpClient(trusting, false), Text("imsHttpsUrl"));
        var (id, secret, scopes) = (Credential("clientId"), Credential("clientSecret"), Credential("scopes"));
        var oauth = login.RequestTokenWithHttpInfo("client_credentials", id, secret, scopes);
        // Seconds here, milliseconds below.
        Equal(((int)oauth.StatusCode, oauth.Data.TokenType, oauth.Data.ExpiresIn), (200, "bearer", 86_400L));
        var exchanged = login.ExchangeJwtWithHttpInfo(id, secret, SignedJwt());
        Equal(((int)exchanged.StatusCode, exchanged.Data.ExpiresIn), (200, 86_400_000L));
        try
        {
            login.RequestToken("client_credentials", id, "wrong", scopes);
            throw new Exception("a wrong secret was accepted");
        }
        catch (Ims.Client.ApiException refused)
        {
            var error = JsonConvert.DeserializeObject<Ims.Model.LoginError>((string)refused.ErrorContent);
            Equal((refused.ErrorCode, error.Error), (401, "invalid_client"));
        }
        return (oauth.Data.AccessToken, exchanged.Data.AccessToken);
    }

    private string SignedJwt()
    {
        var host = new Uri(Text("imsHttpsUrl")).Authority;
        var claims = new Dictionary<string, object>
        {
            ["exp"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 600,
            ["iss"] = organization,
            ["sub"] = Credential("technicalAccountId"),
            ["aud"] = $"https://{host}/c/{Credential("clientId")}",
            [$"https://{host}/s/ent_user_sdk"] = true,
        };
        var unsigned = Encoded("{\"alg\":\"RS256\",\"typ\":\"JWT\"}") + "." + Encoded(JsonConvert.SerializeObject(claims));
        using var key = RSA.Create();
        key.ImportFromPem(Credential("privateKey"));
        var bytes = Encoding.UTF8.GetBytes(unsigned);
        return unsigned + "." + Encoded(key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static string Encoded(string text) => Encoded(Encoding.UTF8.GetBytes(text));

    private static string Encoded(byte[] bytes)
    {
        return Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }

    private void PagesOfUsers()
    {
        var all = new List<User>();
        foreach (var (number, size) in new[] { (0, 4), (1, 4), (2, 1) })
        {
            var id = $"page-{number}";
            var page = users.ListUsersWithHttpInfo(organization, number, id);
            Equal(((int)page.StatusCode, page.Data.Result, page.Data.LastPage), (200, "success", number == 2));
            var names = new[] { "X-Request-Id", "X-Total-Count", "X-Page-Count", "X-Current-Page", "X-Page-Size" };
            // Technical accounts are counted, but not listed.
            EqualLists(names.Select(name => Header(page.Headers, name)), id, "10", "3", $"{number}", $"{size}");
            all.AddRange(page.Data.Users);
        }
        var bob = all.Single(user => user.Email == "bob@enterprise.example");
        Equal((all.Count, bob.Lastname, bob.Type, bob.Status), (9, "佐藤", "enterpriseID", "active"));
        var members = users.ListUsersInGroup(organization, 0, "R&D / Labs (100 %)").Users;
        EqualLists(members.Select(member => (member.Username, member.Domain)), ("lee", "usernames.example"));
    }

    private static Command OnUser(string user, params UserStep[] steps) => new(new UserCommand(user, varDo: steps.ToList()));

    private static Command OnGroup(string group, params UserGroupStep[] steps)
    {
        return new(new UserGroupCommand(group, varDo: steps.ToList()));
    }

    private static List<string> Names(params string[] names) => names.ToList();

    private static UserStep AddTo(params string[] groups)
    {
        return new(new AddMembershipsStep(new UserMemberships(group: groups.ToList())));
    }

    private ActionResponse Run(bool testOnly, params Command[] commands)
    {
        return actions.ExecuteActions(organization, commands.ToList(), testOnly: testOnly);
    }

    private static (string, int, int, int) Counts(ActionResponse answer)
    {
        return (answer.Result, answer.Completed, answer.NotCompleted, answer.CompletedInTestMode);
    }

    private User UserNamed(string name) => users.GetUser(organization, name).User;

    private void EveryKindOfStep()
    {
        var zoe = new UserCommand("zoe@mail.example", useAdobeID: true, varDo: new List<UserStep>
        {
            new(new AddAdobeIdStep(new NewAdobeId("zoe@mail.example", option: "ignoreIfAlreadyExists"))),
            AddTo("Photoshop", "_admin_Design"),
        });
        var joined = Run(
            false,
            new Command(zoe),
            OnUser(
                "yan@enterprise.example",
                new(new CreateEnterpriseIdStep(new NewEnterpriseId("yan@enterprise.example", "Yan", "Before"))),
                new(new UpdateStep(new UserUpdate(lastname: "Müller-李")))),
            OnUser(
                "xin@federated.example",
                new(new CreateFederatedIdStep(new NewFederatedId("xin@federated.example", "Xin", "Wang", "CN"))),
                AddTo("Sales", "R&D / Labs (100 %)"),
                new(new RemoveMembershipsStep(new UserRemoval(new UserMemberships(group: Names("Sales")))))),
            OnGroup(
                "Layout",
                new(new CreateUserGroupStep(new UserGroupCreation(description: "Pages", option: "updateIfAlreadyExists"))),
                new(new AddMembersStep(new UserGroupMembers(
                    Names("jdoe@example.com", "jane@example.com"), Names("Photoshop", "All Apps")))),
                new(new RemoveMembersStep(new UserGroupRemoval(
                    new UserGroupMembers(Names("jane@example.com"), Names("All Apps")))))));
        Equal(Counts(joined), ("success", 4, 0, 0));
        Equal((joined.Errors, joined.Warnings), ((List<ActionError>)null, (List<ActionWarning>)null));
        EqualLists(UserNamed("xin@federated.example").Groups, "R&D / Labs (100 %)");

        var deprecated = Run(
            false,
            OnUser(
                "yan@enterprise.example",
                new(new AddMembershipsStep(new UserMemberships(
                    product: Names("Photoshop"), productConfiguration: Names("All Apps"), usergroup: Names("Design")))),
                new(new AddRolesStep(new RoleLists(Names("Design", "Sales"), Names("Adobe Photoshop")))),
                new(new RemoveRolesStep(new RoleLists(Names("Sales")))),
                new(new ResetPasswordStep(new object()))),
            OnUser(
                "xin@federated.example",
                new UserStep(new RemoveFromDomainStep(new DomainRemoval("federated.example")))),
            OnGroup(
                "Layout",
                new UserGroupStep(new AddMembersStep(
                    new UserGroupMembers(users: Names("jane@example.com"), product: Names("All Apps"))))));
        Equal(Counts(deprecated), ("success", 3, 0, 0));
        // One warning per deprecated key: three in the first step, two in the last.
        var places = "0.0 0.0 0.0 0.1 0.2 0.3 1.0 2.0 2.0".Split(' ');
        EqualLists(
            deprecated.Warnings.Select(each => $"{each.Index}.{each.Step} {each.WarningCode}"),
            places.Select(place => place + " warning.command.deprecated").ToArray());
        var yan = UserNamed("yan@enterprise.example");
        Equal(yan.Lastname, "Müller-李");
        EqualLists(
            yan.Groups.OrderBy(name => name, StringComparer.Ordinal),
            "All Apps", "Design", "Photoshop", "_admin_Design", "_product_admin_Adobe Photoshop");

        var left = Run(
            false,
            OnUser(
                "zoe@mail.example",
                new(new RemoveMembershipsStep(new UserRemoval(AllMemberships.All))),
                new(new RemoveFromOrgStep(new OrgRemoval(deleteAccount: false)))),
            OnUser("yan@enterprise.example", new UserStep(new RemoveFromOrgStep(new OrgRemoval(deleteAccount: true)))),
            OnGroup(
                "Layout",
                new(new RemoveMembersStep(new UserGroupRemoval(AllMemberships.All))),
                new(new UpdateUserGroupStep(new UserGroupUpdate("Print", "Pages, on paper")))));
        Equal(Counts(left), ("success", 3, 0, 0));
        var deletion = OnGroup("Print", new UserGroupStep(new DeleteUserGroupStep(new object())));
        Equal(Counts(Run(true, deletion)), ("success", 0, 0, 1));
        Equal(Counts(Run(false, deletion)), ("success", 1, 0, 0));
    }

    private static (ApiException, ErrorBody) Rejected(Action call)
    {
        try
        {
            call();
        }
        catch (ApiException error)
        {
            return (error, JsonConvert.DeserializeObject<ErrorBody>((string)error.ErrorContent));
        }
        throw new Exception("the call was not rejected");
    }

    private void Errors()
    {
        var (gone, body) = Rejected(() => UserNamed("yan@enterprise.example"));
        Equal((gone.ErrorCode, body.Result), (404, "error.user.not_found"));

        var first = new UserCommand("jdoe@example.com", requestID: "good", varDo: new List<UserStep> { AddTo("Sales") });
        var steps = new List<UserStep> { AddTo("Design"), AddTo("No such group") };
        var second = new UserCommand("jane@example.com", requestID: "bad", varDo: steps);
        var partial = Run(false, new Command(first), new Command(second));
        Equal(Counts(partial), ("partial", 1, 1, 0));
        var found = partial.Errors.Single();
        Equal(
            (found.Index, found.Step, found.ErrorCode, found.RequestID, found.User),
            (1, (object)1L, "error.group.not_found", "bad", "jane@example.com"));
    }

    private void ALimit()
    {
        for (var call = 0; call < 5; call++)
        {
            Equal(groups.ListGroups(organization, 0).LastPage, true);
        }
        var (throttled, body) = Rejected(() => groups.ListGroups(organization, 0));
        Equal((throttled.ErrorCode, body.ErrorCode), (429, "429050"));
        var seconds = Header(throttled.Headers, "Retry-After");
        Equal(seconds, "60");
        using var http = new HttpClient();
        var wait = new StringContent($"{{\"seconds\":{seconds}}}", Encoding.UTF8, "application/json");
        Equal((int)http.PostAsync(Text("managementUrl") + "/clock/advance", wait).Result.StatusCode, 200);
        Equal((int)groups.ListGroupsWithHttpInfo(organization, 0).StatusCode, 200);
    }
}
