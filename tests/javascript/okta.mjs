// @okta/okta-sdk-nodejs: each function is one test's script; it returns what the test looks at.
import okta from "@okta/okta-sdk-nodejs";
import { generateKeyPairSync } from "node:crypto";

const { OKTA_URL, OKTA_TOKEN } = process.env;
const client = new okta.Client({ orgUrl: OKTA_URL, token: OKTA_TOKEN });
const { userApi, groupApi, applicationApi, authorizationServerApi, systemLogApi } = client;

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    const causes = (error.errorCauses ?? []).map((cause) => cause.errorSummary);
    return { status: error.status, code: error.errorCode, summary: error.errorSummary, causes };
  }
  return null;
}

const person = (name, more = {}) => ({
  profile: {
    firstName: name,
    lastName: "Test",
    email: `${name}@test.example`,
    login: `${name}@test.example`,
    ...more,
  },
  credentials: { password: { value: "Abcd1234x" } },
});

async function all(collection) {
  const found = [];
  for await (const item of await collection) found.push(item);
  return found;
}

const scripts = {
  async users() {
    const made = await userApi.createUser({ body: person("rob"), activate: false });
    const staged = made.status;
    await userApi.activateUser({ userId: made.id, sendEmail: false });
    const got = await userApi.getUser({ userId: "rob@test.example" });
    got.profile.nickName = "bobby";
    const updated = await userApi.updateUser({ userId: made.id, user: got });
    const replaced = await userApi.replaceUser({
      userId: made.id,
      user: { profile: { ...person("rob").profile, department: "Ops" } },
    });
    const twice = await refused(userApi.createUser({ body: person("rob") }));
    await userApi.deactivateUser({ userId: made.id });
    await userApi.deleteUser({ userId: made.id });
    const gone = await refused(userApi.getUser({ userId: made.id }));
    return { staged, status: got.status, updated, replaced, twice, gone };
  },

  async paging() {
    const ids = new Set();
    let pages = 0;
    const collection = await userApi.listUsers({ limit: 50 });
    const next = collection.getNextPage.bind(collection);
    collection.getNextPage = () => {
      pages += 1;
      return next();
    };
    await collection.each((user) => {
      ids.add(user.id);
    });
    const found = await all(userApi.listUsers({ search: 'profile.department eq "IT"', limit: 2 }));
    const q = await all(userApi.listUsers({ q: found[0].profile.lastName }));
    const bad = await refused(all(userApi.listUsers({ search: 'profile.firstName ne "x"' })));
    return { count: ids.size, pages, found: found.map((u) => u.profile.department), q, bad };
  },

  async groups() {
    const group = await groupApi.createGroup({ group: { profile: { name: "night shift" } } });
    const made = [];
    for (const name of ["ann", "ben", "cat"]) {
      const user = await userApi.createUser({ body: person(name, { city: "Bonn" }) });
      await groupApi.assignUserToGroup({ groupId: group.id, userId: user.id });
      made.push(user.id);
    }
    await groupApi.unassignUserFromGroup({ groupId: group.id, userId: made[0] });
    const members = await all(groupApi.listGroupUsers({ groupId: group.id, limit: 1 }));
    const mine = await all(userApi.listUserGroups({ userId: made[1] }));
    const rule = await groupApi.createGroupRule({
      groupRule: {
        type: "group_rule",
        name: "Bonn",
        conditions: {
          expression: { value: 'user.city=="Bonn"', type: "urn:okta:expression:1.0" },
        },
        actions: { assignUserToGroups: { groupIds: [group.id] } },
      },
    });
    await groupApi.activateGroupRule({ ruleId: rule.id });
    const after = await all(groupApi.listGroupUsers({ groupId: group.id }));
    const everyone = await all(groupApi.listGroups({ filter: 'type eq "BUILT_IN"' }));
    const fixed = await refused(groupApi.deleteGroup({ groupId: everyone[0].id }));
    return {
      members: members.map((user) => user.profile.firstName),
      mine: mine.map((g) => g.profile.name),
      after: after.length,
      fixed,
    };
  },

  async lifecycle() {
    const { id: userId } = await userApi.createUser({ body: person("dan") });
    const results = {};
    results.active = await refused(userApi.activateUser({ userId, sendEmail: false }));
    results.unlock = await refused(userApi.unlockUser({ userId }));
    results.unsuspend = await refused(userApi.unsuspendUser({ userId }));
    await userApi.suspendUser({ userId });
    results.suspended = (await userApi.getUser({ userId })).status;
    results.suspend = await refused(userApi.suspendUser({ userId }));
    results.reset = await refused(
      userApi.generateResetPasswordToken({ userId, sendEmail: false })
    );
    await userApi.unsuspendUser({ userId });
    const reset = await userApi.generateResetPasswordToken({ userId, sendEmail: false });
    results.url = reset.resetPasswordUrl;
    results.recovery = (await userApi.getUser({ userId })).status;
    await userApi.expirePasswordAndGetTemporaryPassword({ userId });
    results.expired = (await userApi.getUser({ userId })).status;
    results.nobody = await refused(userApi.deactivateUser({ userId: "nobody" }));
    results.weak = await refused(
      userApi.createUser({
        body: { ...person("eve"), credentials: { password: { value: "weak" } } },
      })
    );
    const events = await all(systemLogApi.listLogEvents({ filter: `target.id eq "${userId}"` }));
    results.events = events.map((event) => event.eventType);
    return results;
  },

  async apps() {
    const basic = await applicationApi.createApplication({
      application: {
        name: "template_basic_auth",
        label: "Sample",
        signOnMode: "BASIC_AUTH",
        settings: {
          app: { url: "https://a.example/auth.htm", authURL: "https://a.example/login.html" },
        },
      },
    });
    const user = await userApi.createUser({ body: person("fay") });
    const assigned = await applicationApi.assignUserToApplication({
      appId: basic.id,
      appUser: { id: user.id, scope: "USER" },
    });
    const bad = await refused(
      applicationApi.createApplication({ application: { label: "x", signOnMode: "BOOKMARK" } })
    );
    const active = await refused(applicationApi.deleteApplication({ appId: basic.id }));
    await applicationApi.deactivateApplication({ appId: basic.id });
    const off = (await applicationApi.getApplication({ appId: basic.id })).status;
    await applicationApi.deleteApplication({ appId: basic.id });
    const servers = await all(authorizationServerApi.listAuthorizationServers());
    return {
      name: basic.name,
      assigned,
      bad,
      active,
      off,
      servers: servers.map((server) => server.id),
    };
  },

  async oauth(dpop) {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k1", use: "sig", alg: "RS256" };
    const app = await applicationApi.createApplication({
      application: {
        name: "oidc_client",
        label: "Service",
        signOnMode: "OPENID_CONNECT",
        credentials: { oauthClient: { token_endpoint_auth_method: "private_key_jwt" } },
        settings: {
          oauthClient: {
            application_type: "service",
            grant_types: ["client_credentials"],
            response_types: ["token"],
            dpop_bound_access_tokens: dpop === "dpop",
            jwks: { keys: [jwk] },
          },
        },
      },
    });
    for (const scopeId of ["okta.users.read", "okta.groups.manage"]) {
      await applicationApi.grantConsentToScope({
        appId: app.id,
        oAuth2ScopeConsentGrant: { issuer: OKTA_URL, scopeId },
      });
    }
    const make = (scopes) =>
      new okta.Client({
        orgUrl: OKTA_URL,
        authorizationMode: "PrivateKey",
        clientId: app.id,
        scopes,
        privateKey: privateKey.export({ type: "pkcs1", format: "pem" }),
        keyId: "k1",
      });
    const service = make(["okta.users.read", "okta.groups.manage"]);
    const users = await all(service.userApi.listUsers({ limit: 5 }));
    const group = await service.groupApi.createGroup({ group: { profile: { name: "by service" } } });
    const forbidden = await refused(service.userApi.createUser({ body: person("gus") }));
    const greedy = make(["okta.apps.manage"]);
    const denied = await refused(all(greedy.applicationApi.listApplications()));
    const stranger = new okta.Client({ orgUrl: OKTA_URL, token: "wrong" });
    const invalid = await refused(stranger.userApi.getUser({ userId: "me" }));
    return { users: users.length, group: group.profile.name, forbidden, denied, invalid };
  },

  async limited() {
    const patient = new okta.Client({
      orgUrl: OKTA_URL,
      token: OKTA_TOKEN,
      requestExecutor: new okta.DefaultRequestExecutor({ maxRetries: 1 }),
    });
    const waits = [];
    patient.requestExecutor.on("backoff", (request, response, requestId, delayMs) => {
      waits.push({ requestId, delayMs, status: response.status });
    });
    const groups = await all(patient.groupApi.listGroups());
    return { waits, groups: groups.length };
  },
};

console.log(JSON.stringify(await scripts[process.argv[2]](...process.argv.slice(3))));
