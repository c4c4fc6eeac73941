<?php
// A session with the service, from the login to an exceeded rate limit, with the generated clients.
//
// scenario.py, scenario.mts and scenario_test.go do the same in the same order. emulated.py starts it. The arguments are
// the folder of the generated code and that of the examples.

declare(strict_types=1);

use GuzzleHttp\Client;
use Ims\Api\LoginApi;
use Umapi\Api\ActionsApi;
use Umapi\Api\GroupsApi;
use Umapi\Api\UsersApi;
use Umapi\ApiException;
use Umapi\Model\ActionResponse;
use Umapi\Model\AddAdobeIdStep;
use Umapi\Model\AddMembershipsStep;
use Umapi\Model\AddMembersStep;
use Umapi\Model\AddRolesStep;
use Umapi\Model\AllMemberships;
use Umapi\Model\CreateEnterpriseIdStep;
use Umapi\Model\CreateFederatedIdStep;
use Umapi\Model\CreateUserGroupStep;
use Umapi\Model\DeleteUserGroupStep;
use Umapi\Model\DomainRemoval;
use Umapi\Model\ErrorBody;
use Umapi\Model\GroupPage;
use Umapi\Model\NewAdobeId;
use Umapi\Model\NewEnterpriseId;
use Umapi\Model\NewFederatedId;
use Umapi\Model\OrgRemoval;
use Umapi\Model\ProductConfigurations;
use Umapi\Model\ProfileConfiguration;
use Umapi\Model\RemoveFromDomainStep;
use Umapi\Model\RemoveFromOrgStep;
use Umapi\Model\RemoveMembershipsStep;
use Umapi\Model\RemoveMembersStep;
use Umapi\Model\RemoveRolesStep;
use Umapi\Model\ResetPasswordStep;
use Umapi\Model\RoleLists;
use Umapi\Model\UpdateStep;
use Umapi\Model\UpdateUserGroupStep;
use Umapi\Model\User;
use Umapi\Model\UserCommand;
use Umapi\Model\UserGroupCommand;
use Umapi\Model\UserGroupCreation;
use Umapi\Model\UserGroupMembers;
use Umapi\Model\UserGroupUpdate;
use Umapi\Model\UserMemberships;
use Umapi\Model\UserPage;
use Umapi\Model\UserUpdate;
use Umapi\ObjectSerializer;

[, $generated, $examples] = $argv;
require_once 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class) use ($generated): void {
    [$package, $name] = explode('\\', $class, 2);
    $file = "$generated/" . strtolower($package) . '/lib/' . str_replace('\\', '/', $name) . '.php';
    if (is_file($file)) {
        require_once $file;
    }
});
// A warning or a deprecated use in the generated code is an error.
set_error_handler(function (int $level, string $message, string $file, int $line): bool {
    throw new ErrorException($message, 0, $level, $file, $line);
});

function equal(mixed $got, mixed $expected, string $context = ''): void
{
    if ($got !== $expected) {
        $text = fn (mixed $value): string => json_encode($value, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
        throw new Exception("$context\n     got {$text($got)}\nexpected {$text($expected)}");
    }
}

/** Integers as numbers, as strings and as null: what the plain form of the description is for. */
function examples_are_read(string $folder): void
{
    foreach ([25, '25', 'UNLIMITED', null] as $quota) {
        $profile = (object) ['id' => '1', 'licenseQuota' => $quota];
        equal(ObjectSerializer::deserialize($profile, ProfileConfiguration::class)->getLicenseQuota(), $quota);
    }
    $types = [
        'users-every-type' => UserPage::class,
        'groups-every-type' => GroupPage::class,
        'products' => '\Umapi\Model\Product[]',
        'product-configurations' => ProductConfigurations::class,
        'user-groups' => '\Umapi\Model\UserGroup[]',
        'legacy-users' => '\Umapi\Model\LegacyUser[]',
        'action-response-partial' => ActionResponse::class,
    ];
    foreach ($types as $name => $type) {
        $text = file_get_contents("$folder/$name.json");
        $read = ObjectSerializer::deserialize(json_decode($text), $type);
        $written = json_encode(ObjectSerializer::sanitizeForSerialization($read));
        equal(normal(json_decode($written, true)), normal(json_decode($text, true)), $name);
    }
}

/** The value with the fields of objects in the order of their names, and without null, which the classes read as absent. */
function normal(mixed $value): mixed
{
    if (!is_array($value)) {
        return $value;
    }
    if (!array_is_list($value)) {
        ksort($value);
        $value = array_filter($value, fn (mixed $field): bool => $field !== null);
    }
    return array_map('normal', $value);
}

/** A session with a token. */
final class Session
{
    private UsersApi $users;
    private GroupsApi $groups;
    private ActionsApi $actions;

    public function __construct(private object $ready, Client $trusting, string $token)
    {
        $configuration = (new Umapi\Configuration())->setHost($ready->umHttpsUrl)->setAccessToken($token);
        $configuration->setApiKey('X-Api-Key', $ready->credentials->clientId);
        $this->users = new UsersApi($trusting, $configuration);
        $this->groups = new GroupsApi($trusting, $configuration);
        $this->actions = new ActionsApi($trusting, $configuration);
    }

    public function pagesOfUsers(): void
    {
        $all = [];
        foreach ([4, 4, 1] as $number => $size) {
            $id = "page-$number";
            [$page, $status, $headers] = $this->users->listUsersWithHttpInfo($this->ready->organization, $number, $id);
            equal([$status, $page->getResult(), $page->getLastPage()], [200, 'success', $number === 2]);
            $headers = array_change_key_case($headers);
            $names = ['x-request-id', 'x-total-count', 'x-page-count', 'x-current-page', 'x-page-size'];
            $values = array_map(fn (string $name): string => $headers[$name][0], $names);
            // Technical accounts are counted, but not listed.
            equal($values, [$id, '10', '3', "$number", "$size"]);
            array_push($all, ...$page->getUsers());
        }
        $bobs = array_values(array_filter($all, fn (User $user): bool => $user->getEmail() === 'bob@enterprise.example'));
        [$bob] = $bobs;
        equal(
            [count($all), $bob->getLastname(), $bob->getType(), $bob->getStatus()],
            [9, '佐藤', 'enterpriseID', 'active']
        );
        $members = $this->users->listUsersInGroup($this->ready->organization, 0, 'R&D / Labs (100 %)')->getUsers();
        equal(
            array_map(fn (User $user): array => [$user->getUsername(), $user->getDomain()], $members),
            [['lee', 'usernames.example']]
        );
    }

    private function run(array $commands, bool $testOnly = false): ActionResponse
    {
        return $this->actions->executeActions($this->ready->organization, $commands, null, null, $testOnly);
    }

    private function user(string $name): User
    {
        return $this->users->getUser($this->ready->organization, $name)->getUser();
    }

    public function everyKindOfStep(): void
    {
        $joined = $this->run([
            on_user('zoe@mail.example', [
                new AddAdobeIdStep(['add_adobe_id' => new NewAdobeId([
                    'email' => 'zoe@mail.example',
                    'option' => 'ignoreIfAlreadyExists',
                ])]),
                add_to('Photoshop', '_admin_Design'),
            ])->setUseAdobeId(true),
            on_user('yan@enterprise.example', [
                new CreateEnterpriseIdStep(['create_enterprise_id' => new NewEnterpriseId([
                    'email' => 'yan@enterprise.example',
                    'firstname' => 'Yan',
                    'lastname' => 'Before',
                ])]),
                new UpdateStep(['update' => new UserUpdate(['lastname' => 'Müller-李'])]),
            ]),
            on_user('xin@federated.example', [
                new CreateFederatedIdStep(['create_federated_id' => new NewFederatedId([
                    'email' => 'xin@federated.example',
                    'firstname' => 'Xin',
                    'lastname' => 'Wang',
                    'country' => 'CN',
                ])]),
                add_to('Sales', 'R&D / Labs (100 %)'),
                new RemoveMembershipsStep(['remove' => new UserMemberships(['group' => ['Sales']])]),
            ]),
            on_group('Layout', [
                new CreateUserGroupStep(['create_user_group' => new UserGroupCreation([
                    'description' => 'Pages',
                    'option' => 'updateIfAlreadyExists',
                ])]),
                new AddMembersStep(['add' => new UserGroupMembers([
                    'user' => ['jdoe@example.com', 'jane@example.com'],
                    'product_configuration' => ['Photoshop', 'All Apps'],
                ])]),
                new RemoveMembersStep(['remove' => new UserGroupMembers([
                    'user' => ['jane@example.com'],
                    'product_configuration' => ['All Apps'],
                ])]),
            ]),
        ]);
        equal(counts($joined), ['success', 4, 0, 0]);
        equal([$joined->getErrors(), $joined->getWarnings()], [null, null]);
        equal($this->user('xin@federated.example')->getGroups(), ['R&D / Labs (100 %)']);

        $deprecated = $this->run([
            on_user('yan@enterprise.example', [
                new AddMembershipsStep(['add' => new UserMemberships([
                    'product' => ['Photoshop'],
                    'product_configuration' => ['All Apps'],
                    'usergroup' => ['Design'],
                ])]),
                new AddRolesStep(['add_roles' => new RoleLists([
                    'admin' => ['Design', 'Sales'],
                    'product_admin' => ['Adobe Photoshop'],
                ])]),
                new RemoveRolesStep(['remove_roles' => new RoleLists(['admin' => ['Sales']])]),
                new ResetPasswordStep(['reset_password' => (object) []]),
            ]),
            on_user('xin@federated.example', [
                new RemoveFromDomainStep(['remove_from_domain' => new DomainRemoval(['domain' => 'federated.example'])]),
            ]),
            on_group('Layout', [
                new AddMembersStep(['add' => new UserGroupMembers([
                    'users' => ['jane@example.com'],
                    'product' => ['All Apps'],
                ])]),
            ]),
        ]);
        equal(counts($deprecated), ['success', 3, 0, 0]);
        $warnings = [];
        foreach ($deprecated->getWarnings() as $each) {
            $warnings[] = "{$each->getIndex()}.{$each->getStep()} {$each->getWarningCode()}";
        }
        // One warning per deprecated key: three in the first step, two in the last.
        $places = explode(' ', '0.0 0.0 0.0 0.1 0.2 0.3 1.0 2.0 2.0');
        equal($warnings, array_map(fn (string $place): string => "$place warning.command.deprecated", $places));
        $yan = $this->user('yan@enterprise.example');
        $groups = $yan->getGroups();
        sort($groups);
        equal($yan->getLastname(), 'Müller-李');
        equal($groups, ['All Apps', 'Design', 'Photoshop', '_admin_Design', '_product_admin_Adobe Photoshop']);

        $left = $this->run([
            on_user('zoe@mail.example', [
                new RemoveMembershipsStep(['remove' => AllMemberships::ALL]),
                new RemoveFromOrgStep(['remove_from_org' => new OrgRemoval(['delete_account' => false])]),
            ]),
            on_user('yan@enterprise.example', [
                new RemoveFromOrgStep(['remove_from_org' => new OrgRemoval(['delete_account' => true])]),
            ]),
            on_group('Layout', [
                new RemoveMembersStep(['remove' => AllMemberships::ALL]),
                new UpdateUserGroupStep(['update_user_group' => new UserGroupUpdate([
                    'name' => 'Print',
                    'description' => 'Pages, on paper',
                ])]),
            ]),
        ]);
        equal(counts($left), ['success', 3, 0, 0]);
        $deletion = on_group('Print', [new DeleteUserGroupStep(['delete_user_group' => (object) []])]);
        equal(counts($this->run([$deletion], true)), ['success', 0, 0, 1]);
        equal(counts($this->run([$deletion])), ['success', 1, 0, 0]);
    }

    public function errors(): void
    {
        [$gone, $body] = rejected(fn () => $this->user('yan@enterprise.example'));
        equal([$gone->getCode(), $body->getResult()], [404, 'error.user.not_found']);

        $partial = $this->run([
            on_user('jdoe@example.com', [add_to('Sales')])->setRequestId('good'),
            on_user('jane@example.com', [add_to('Design'), add_to('No such group')])->setRequestId('bad'),
        ]);
        equal(counts($partial), ['partial', 1, 1, 0]);
        $found = [];
        foreach ($partial->getErrors() as $each) {
            $found[] = [$each->getIndex(), $each->getStep(), $each->getErrorCode(), $each->getRequestId(), $each->getUser()];
        }
        equal($found, [[1, 1, 'error.group.not_found', 'bad', 'jane@example.com']]);
    }

    public function aLimit(): void
    {
        for ($call = 0; $call < 5; $call++) {
            equal($this->groups->listGroups($this->ready->organization, 0)->getLastPage(), true);
        }
        [$throttled, $body] = rejected(fn () => $this->groups->listGroups($this->ready->organization, 0));
        equal([$throttled->getCode(), $body->getErrorCode()], [429, '429050']);
        $seconds = array_change_key_case($throttled->getResponseHeaders())['retry-after'][0];
        equal($seconds, '60');
        $wait = ['json' => ['seconds' => (int) $seconds]];
        equal((new Client())->post("{$this->ready->managementUrl}/clock/advance", $wait)->getStatusCode(), 200);
        equal($this->groups->listGroupsWithHttpInfo($this->ready->organization, 0)[1], 200);
    }
}

function on_user(string $user, array $steps): UserCommand
{
    return new UserCommand(['user' => $user, 'do' => $steps]);
}

function on_group(string $group, array $steps): UserGroupCommand
{
    return new UserGroupCommand(['usergroup' => $group, 'do' => $steps]);
}

function add_to(string ...$groups): AddMembershipsStep
{
    return new AddMembershipsStep(['add' => new UserMemberships(['group' => $groups])]);
}

function counts(ActionResponse $answer): array
{
    return [$answer->getResult(), $answer->getCompleted(), $answer->getNotCompleted(), $answer->getCompletedInTestMode()];
}

/** The error of a call and its body. */
function rejected(Closure $call): array
{
    try {
        $call();
    } catch (ApiException $error) {
        return [$error, ObjectSerializer::deserialize(json_decode($error->getResponseBody()), ErrorBody::class)];
    }
    throw new Exception('the call was not rejected');
}

/** The access tokens of an OAuth login and a JWT login. */
function both_logins(object $ready, Client $trusting): array
{
    $login = new LoginApi($trusting, (new Ims\Configuration())->setHost($ready->imsHttpsUrl));
    ['clientId' => $id, 'clientSecret' => $secret, 'scopes' => $scopes] = (array) $ready->credentials;
    [$oauth, $status] = $login->requestTokenWithHttpInfo('client_credentials', $id, $secret, $scopes);
    // Seconds here, milliseconds below.
    equal([$status, $oauth->getTokenType(), $oauth->getExpiresIn()], [200, 'bearer', 86_400]);
    [$exchanged, $status] = $login->exchangeJwtWithHttpInfo($id, $secret, signed_jwt($ready));
    equal([$status, $exchanged->getExpiresIn()], [200, 86_400_000]);
    try {
        $login->requestToken('client_credentials', $id, 'wrong', $scopes);
        throw new Exception('a wrong secret was accepted');
    } catch (Ims\ApiException $refused) {
        $error = Ims\ObjectSerializer::deserialize(json_decode($refused->getResponseBody()), Ims\Model\LoginError::class);
        equal([$refused->getCode(), $error->getError()], [401, 'invalid_client']);
    }
    return [$oauth->getAccessToken(), $exchanged->getAccessToken()];
}

function signed_jwt(object $ready): string
{
    $url = parse_url($ready->imsHttpsUrl);
    $host = "{$url['host']}:{$url['port']}";
    $claims = [
        'exp' => time() + 600,
        'iss' => $ready->organization,
        'sub' => $ready->credentials->technicalAccountId,
        'aud' => "https://$host/c/{$ready->credentials->clientId}",
        "https://$host/s/ent_user_sdk" => true,
    ];
    $encoded = fn (string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    $unsigned = $encoded('{"alg":"RS256","typ":"JWT"}') . '.' . $encoded(json_encode($claims));
    openssl_sign($unsigned, $signature, $ready->credentials->privateKey, OPENSSL_ALGO_SHA256);
    return "$unsigned.{$encoded($signature)}";
}

examples_are_read($examples);
// Otherwise `true` is sent as `1`, which the service rejects. The generated code reads this from the default alone.
$default = Umapi\Configuration::getDefaultConfiguration();
$default->setBooleanFormatForQueryString(Umapi\Configuration::BOOLEAN_FORMAT_STRING);
$ready = json_decode(getenv('UMAPI_EMULATOR_READY'));
$trusting = new Client(['verify' => $ready->caPath]);
[$oauth, $jwt] = both_logins($ready, $trusting);
(new Session($ready, $trusting, $jwt))->pagesOfUsers();
$session = new Session($ready, $trusting, $oauth);
$session->everyKindOfStep();
$session->errors();
$session->aLimit();
echo "PHP: examples, both logins, pages, every kind of step, errors and a rate limit, over TLS\n";
