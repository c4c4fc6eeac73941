// A session with the service, from the login to an exceeded rate limit, with the generated clients.
//
// scenario.py, scenario.mts and scenario_test.go do the same in the same order. emulated.py starts it.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import ims.api.LoginApi;
import ims.model.LoginError;
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import umapi.ApiClient;
import umapi.ApiException;
import umapi.ApiResponse;
import umapi.api.ActionsApi;
import umapi.api.GroupsApi;
import umapi.api.UsersApi;
import umapi.model.*;

public final class Scenario {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final JsonNode ready;
  private final String organization;
  private final HttpClient.Builder trusting;
  private UsersApi users;
  private GroupsApi groups;
  private ActionsApi actions;

  public static void main(String[] arguments) throws Exception {
    examplesAreRead(Path.of(arguments[0]));
    Scenario scenario = new Scenario(JSON.readTree(System.getenv("UMAPI_EMULATOR_READY")));
    String[] tokens = scenario.bothLogins();
    scenario.use(tokens[1]);
    scenario.pagesOfUsers();
    scenario.use(tokens[0]);
    scenario.everyKindOfStep();
    scenario.errors();
    scenario.aLimit();
    System.out.println("Java: examples, both logins, pages, every kind of step, errors and a rate limit, over TLS");
  }

  /** Integers as numbers, as strings and as null: what the plain form of the description is for. */
  private static void examplesAreRead(Path folder) throws Exception {
    ObjectMapper mapper = ApiClient.createDefaultObjectMapper();
    for (Object quota : new Object[] {25, "25", "UNLIMITED", null}) {
      String profile = "{\"id\":\"1\",\"licenseQuota\":" + JSON.writeValueAsString(quota) + "}";
      equal(mapper.readValue(profile, ProfileConfiguration.class).getLicenseQuota(), quota);
    }
    for (var entry : Map.of(
        "users-every-type.json", UserPage.class,
        "groups-every-type.json", GroupPage.class,
        "products.json", Product[].class,
        "product-configurations.json", ProductConfigurations.class,
        "user-groups.json", UserGroup[].class,
        "legacy-users.json", LegacyUser[].class,
        "action-response-partial.json", ActionResponse.class).entrySet()) {
      String text = Files.readString(folder.resolve(entry.getKey()));
      Object read = mapper.readValue(text, entry.getValue());
      equal(mapper.readTree(mapper.writeValueAsString(read)), withoutNulls(mapper.readTree(text)), entry.getKey());
    }
  }

  /** Java has no difference between null and absent. */
  private static JsonNode withoutNulls(JsonNode node) {
    for (var fields = node.elements(); fields.hasNext(); ) {
      JsonNode field = withoutNulls(fields.next());
      if (field.isNull()) {
        fields.remove();
      }
    }
    return node;
  }

  private Scenario(JsonNode ready) throws Exception {
    this.ready = ready;
    organization = text("organization");
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null);
    try (var file = new FileInputStream(text("caPath"))) {
      trusted.setCertificateEntry("emulator", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, trust.getTrustManagers(), null);
    trusting = HttpClient.newBuilder().sslContext(tls);
  }

  private String text(String name) {
    return ready.path(name).asText();
  }

  private String credential(String name) {
    return ready.path("credentials").path(name).asText();
  }

  private void use(String token) {
    ApiClient client = new ApiClient().setHttpClientBuilder(trusting);
    client.updateBaseUri(text("umHttpsUrl"));
    client.setRequestInterceptor(
        request -> request.header("Authorization", "Bearer " + token).header("X-Api-Key", credential("clientId")));
    users = new UsersApi(client);
    groups = new GroupsApi(client);
    actions = new ActionsApi(client);
  }

  private static void equal(Object got, Object expected, Object... context) {
    if (!Objects.deepEquals(got, expected)) {
      throw new AssertionError(Arrays.toString(context) + "\n     got " + got + "\nexpected " + expected);
    }
  }

  /** The access tokens of an OAuth login and a JWT login. */
  private String[] bothLogins() throws Exception {
    ims.ApiClient client = new ims.ApiClient().setHttpClientBuilder(trusting);
    client.updateBaseUri(text("imsHttpsUrl"));
    LoginApi login = new LoginApi(client);
    String id = credential("clientId");
    String secret = credential("clientSecret");
    var oauth = login.requestTokenWithHttpInfo("client_credentials", id, secret, credential("scopes"));
    // Seconds here, milliseconds below.
    equal(List.of(oauth.getStatusCode(), oauth.getData().getTokenType(), oauth.getData().getExpiresIn()),
        List.of(200, "bearer", 86_400L));
    var exchanged = login.exchangeJwtWithHttpInfo(id, secret, signedJwt());
    equal(List.of(exchanged.getStatusCode(), exchanged.getData().getExpiresIn()), List.of(200, 86_400_000L));
    try {
      login.requestToken("client_credentials", id, "wrong", credential("scopes"));
      throw new AssertionError("a wrong secret was accepted");
    } catch (ims.ApiException refused) {
      LoginError error = JSON.readValue(refused.getResponseBody(), LoginError.class);
      equal(List.of(refused.getCode(), error.getError()), List.of(401, "invalid_client"));
    }
    return new String[] {oauth.getData().getAccessToken(), exchanged.getData().getAccessToken()};
  }

  private String signedJwt() throws Exception {
    String host = URI.create(text("imsHttpsUrl")).getAuthority();
    String claims = JSON.writeValueAsString(Map.of(
        "exp", System.currentTimeMillis() / 1000 + 600,
        "iss", organization,
        "sub", credential("technicalAccountId"),
        "aud", "https://" + host + "/c/" + credential("clientId"),
        "https://" + host + "/s/ent_user_sdk", true));
    String unsigned = encoded("{\"alg\":\"RS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8)) + "."
        + encoded(claims.getBytes(StandardCharsets.UTF_8));
    String pem = credential("privateKey").replaceAll("-----[A-Z ]+-----|\\s", "");
    Signature signature = Signature.getInstance("SHA256withRSA");
    var key = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));
    signature.initSign(KeyFactory.getInstance("RSA").generatePrivate(key));
    signature.update(unsigned.getBytes(StandardCharsets.UTF_8));
    return unsigned + "." + encoded(signature.sign());
  }

  private static String encoded(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private void pagesOfUsers() throws Exception {
    List<User> all = new ArrayList<>();
    int[] sizes = {4, 4, 1};
    for (int number = 0; number < sizes.length; number++) {
      String id = "page-" + number;
      ApiResponse<UserPage> page = users.listUsersWithHttpInfo(organization, number, id, null, null, null);
      UserPage data = page.getData();
      equal(List.of(page.getStatusCode(), data.getResult(), data.getLastPage()), List.of(200, "success", number == 2));
      List<String> headers = new ArrayList<>();
      for (String name : List.of("X-Request-Id", "X-Total-Count", "X-Page-Count", "X-Current-Page", "X-Page-Size")) {
        headers.add(page.getHeaders().get(name.toLowerCase()).get(0));
      }
      // Technical accounts are counted, but not listed.
      equal(headers, List.of(id, "10", "3", "" + number, "" + sizes[number]));
      all.addAll(data.getUsers());
    }
    User bob = all.stream().filter(user -> "bob@enterprise.example".equals(user.getEmail())).findFirst().orElseThrow();
    equal(List.of(all.size(), bob.getLastname(), bob.getType(), bob.getStatus()),
        List.of(9, "佐藤", "enterpriseID", "active"));
    var members = users.listUsersInGroup(organization, 0, "R&D / Labs (100 %)", null, null, null, null, null).getUsers();
    equal(List.of(members.size(), members.get(0).getUsername(), members.get(0).getDomain()),
        List.of(1, "lee", "usernames.example"));
  }

  private static UserCommand onUser(String user, UserStep... steps) {
    return new UserCommand().user(user)._do(List.of(steps));
  }

  private static UserGroupCommand onGroup(String group, UserGroupStep... steps) {
    return new UserGroupCommand().usergroup(group)._do(List.of(steps));
  }

  private static UserMemberships memberships(String... groups) {
    return new UserMemberships().group(List.of(groups));
  }

  private static UserStep addTo(String... groups) {
    return new UserStep(new AddMembershipsStep().add(memberships(groups)));
  }

  private ActionResponse run(boolean testOnly, Object... commands) throws ApiException {
    List<Command> request = new ArrayList<>();
    for (Object command : commands) {
      Command wrapped = new Command();
      wrapped.setActualInstance(command);
      request.add(wrapped);
    }
    return actions.executeActions(organization, request, null, null, testOnly);
  }

  private static void counts(ActionResponse answer, String result, int completed, int notCompleted, int tested) {
    equal(List.of(answer.getResult(), answer.getCompleted(), answer.getNotCompleted(), answer.getCompletedInTestMode()),
        List.of(result, completed, notCompleted, tested), answer);
  }

  private User user(String name) throws ApiException {
    return users.getUser(organization, name, null, null, null).getUser();
  }

  private void everyKindOfStep() throws Exception {
    ActionResponse joined = run(false,
        onUser("zoe@mail.example",
            new UserStep(new AddAdobeIdStep()
                .addAdobeID(new NewAdobeId().email("zoe@mail.example").option("ignoreIfAlreadyExists"))),
            addTo("Photoshop", "_admin_Design")).useAdobeID(true),
        onUser("yan@enterprise.example",
            new UserStep(new CreateEnterpriseIdStep().createEnterpriseID(
                new NewEnterpriseId().email("yan@enterprise.example").firstname("Yan").lastname("Before"))),
            new UserStep(new UpdateStep().update(new UserUpdate().lastname("Müller-李")))),
        onUser("xin@federated.example",
            new UserStep(new CreateFederatedIdStep().createFederatedID(
                new NewFederatedId().email("xin@federated.example").firstname("Xin").lastname("Wang").country("CN"))),
            addTo("Sales", "R&D / Labs (100 %)"),
            new UserStep(new RemoveMembershipsStep().remove(new UserRemoval(memberships("Sales"))))),
        onGroup("Layout",
            new UserGroupStep(new CreateUserGroupStep()
                .createUserGroup(new UserGroupCreation().description("Pages").option("updateIfAlreadyExists"))),
            new UserGroupStep(new AddMembersStep().add(new UserGroupMembers()
                .user(List.of("jdoe@example.com", "jane@example.com"))
                .productConfiguration(List.of("Photoshop", "All Apps")))),
            new UserGroupStep(new RemoveMembersStep().remove(new UserGroupRemoval(new UserGroupMembers()
                .user(List.of("jane@example.com")).productConfiguration(List.of("All Apps")))))));
    counts(joined, "success", 4, 0, 0);
    equal(joined.getErrors(), null);
    equal(joined.getWarnings(), null);
    equal(user("xin@federated.example").getGroups(), List.of("R&D / Labs (100 %)"));

    ActionResponse deprecated = run(false,
        onUser("yan@enterprise.example",
            new UserStep(new AddMembershipsStep().add(new UserMemberships().product(List.of("Photoshop"))
                .productConfiguration(List.of("All Apps")).usergroup(List.of("Design")))),
            new UserStep(new AddRolesStep().addRoles(
                new RoleLists().admin(List.of("Design", "Sales")).productAdmin(List.of("Adobe Photoshop")))),
            new UserStep(new RemoveRolesStep().removeRoles(new RoleLists().admin(List.of("Sales")))),
            new UserStep(new ResetPasswordStep().resetPassword(Map.of()))),
        onUser("xin@federated.example",
            new UserStep(new RemoveFromDomainStep().removeFromDomain(new DomainRemoval().domain("federated.example")))),
        onGroup("Layout",
            new UserGroupStep(new AddMembersStep().add(new UserGroupMembers()
                .users(List.of("jane@example.com")).product(List.of("All Apps"))))));
    counts(deprecated, "success", 3, 0, 0);
    List<String> warnings = new ArrayList<>();
    for (ActionWarning each : deprecated.getWarnings()) {
      warnings.add(each.getIndex() + "." + each.getStep() + " " + each.getWarningCode());
    }
    // One warning per deprecated key: three in the first step, two in the last.
    List<String> expected = new ArrayList<>();
    for (String place : "0.0 0.0 0.0 0.1 0.2 0.3 1.0 2.0 2.0".split(" ")) {
      expected.add(place + " warning.command.deprecated");
    }
    equal(warnings, expected);
    User yan = user("yan@enterprise.example");
    equal(yan.getLastname(), "Müller-李");
    equal(yan.getGroups().stream().sorted().toList(),
        List.of("All Apps", "Design", "Photoshop", "_admin_Design", "_product_admin_Adobe Photoshop"));

    UserStep removeFromAll = new UserStep(new RemoveMembershipsStep().remove(new UserRemoval(AllMemberships.ALL)));
    ActionResponse left = run(false,
        onUser("zoe@mail.example", removeFromAll,
            new UserStep(new RemoveFromOrgStep().removeFromOrg(new OrgRemoval().deleteAccount(false)))),
        onUser("yan@enterprise.example",
            new UserStep(new RemoveFromOrgStep().removeFromOrg(new OrgRemoval().deleteAccount(true)))),
        onGroup("Layout",
            new UserGroupStep(new RemoveMembersStep().remove(new UserGroupRemoval(AllMemberships.ALL))),
            new UserGroupStep(new UpdateUserGroupStep()
                .updateUserGroup(new UserGroupUpdate().name("Print").description("Pages, on paper")))));
    counts(left, "success", 3, 0, 0);
    UserGroupCommand deletion =
        onGroup("Print", new UserGroupStep(new DeleteUserGroupStep().deleteUserGroup(Map.of())));
    counts(run(true, deletion), "success", 0, 0, 1);
    counts(run(false, deletion), "success", 1, 0, 0);
  }

  /** A call of the service. */
  private interface Call {
    void send() throws Exception;
  }

  private static ApiException rejected(Call call) throws Exception {
    try {
      call.send();
    } catch (ApiException error) {
      return error;
    }
    throw new AssertionError("the call was not rejected");
  }

  private static ErrorBody body(ApiException error) throws Exception {
    return ApiClient.createDefaultObjectMapper().readValue(error.getResponseBody(), ErrorBody.class);
  }

  private void errors() throws Exception {
    ApiException gone = rejected(() -> user("yan@enterprise.example"));
    equal(List.of(gone.getCode(), body(gone).getResult()), List.of(404, "error.user.not_found"));

    ActionResponse partial = run(false,
        onUser("jdoe@example.com", addTo("Sales")).requestID("good"),
        onUser("jane@example.com", addTo("Design"), addTo("No such group")).requestID("bad"));
    counts(partial, "partial", 1, 1, 0);
    equal(partial.getErrors().size(), 1);
    ActionError found = partial.getErrors().get(0);
    equal(List.of(found.getIndex(), found.getStep(), found.getErrorCode(), found.getRequestID(), found.getUser()),
        List.of(1, 1, "error.group.not_found", "bad", "jane@example.com"));
  }

  private void aLimit() throws Exception {
    for (int call = 0; call < 5; call++) {
      equal(groups.listGroups(organization, 0, null, null).getLastPage(), true);
    }
    ApiException throttled = rejected(() -> groups.listGroups(organization, 0, null, null));
    equal(List.of(throttled.getCode(), body(throttled).getErrorCode()), List.of(429, "429050"));
    String seconds = throttled.getResponseHeaders().firstValue("Retry-After").orElseThrow();
    equal(seconds, "60");
    HttpRequest advance = HttpRequest.newBuilder(URI.create(text("managementUrl") + "/clock/advance"))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString("{\"seconds\":" + seconds + "}"))
        .build();
    equal(HttpClient.newHttpClient().send(advance, HttpResponse.BodyHandlers.discarding()).statusCode(), 200);
    equal(groups.listGroupsWithHttpInfo(organization, 0, null, null).getStatusCode(), 200);
  }
}
