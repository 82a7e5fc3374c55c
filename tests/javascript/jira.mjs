// jira.js: each function is one test's script; it returns what the test looks at.
import { AgileClient, Version2Client, Version3Client } from "jira.js";

const { JIRA_URL, JIRA_EMAIL, JIRA_TOKEN } = process.env;
const options = {
  host: JIRA_URL,
  authentication: { basic: { email: JIRA_EMAIL, apiToken: JIRA_TOKEN } },
};
const jira = new Version3Client(options);
const old = new Version2Client(options);
const agile = new AgileClient(options);

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error.status ?? error.response?.status ?? String(error);
  }
  return null;
}

const create = (summary, kind = "Task", more = {}) =>
  jira.issues.createIssue({
    fields: { project: { key: "IT" }, issuetype: { name: kind }, summary, ...more },
  });

const scripts = {
  async ticket() {
    const me = await jira.myself.getCurrentUser();
    const made = await create("Printer", "Task", { description: "It is on fire." });
    const issueIdOrKey = made.key;
    await jira.issueComments.addComment({ issueIdOrKey, comment: "Looking into it" });
    const { transitions } = await jira.issues.getTransitions({ issueIdOrKey });
    await jira.issues.doTransition({ issueIdOrKey, transition: { id: transitions[0].id } });
    await jira.issues.assignIssue({ issueIdOrKey, accountId: me.accountId });
    await jira.issueWorklogs.addWorklog({ issueIdOrKey, timeSpent: "1h" });
    await jira.issueWatchers.addWatcher({ issueIdOrKey, accountId: me.accountId });
    await jira.issueProperties.setIssueProperty({
      issueIdOrKey,
      propertyKey: "k",
      propertyValue: { a: 1 },
    });
    const property = await jira.issueProperties.getIssueProperty({ issueIdOrKey, propertyKey: "k" });
    const issue = await jira.issues.getIssue({ issueIdOrKey, expand: "changelog" });
    const page = await jira.issueSearch.searchForIssuesUsingJqlEnhancedSearch({
      jql: "project = IT",
      fields: ["summary"],
    });
    const text = (await old.issues.getIssue({ issueIdOrKey })).fields.description;
    const missing = await refused(jira.issues.getIssue({ issueIdOrKey: "IT-99" }));
    await jira.issues.deleteIssue({ issueIdOrKey });
    return { issue, page, text, property, missing, me };
  },

  async site() {
    const me = await jira.myself.getCurrentUser();
    const group = await jira.groups.createGroup({ name: "night" });
    await jira.groups.addUserToGroup({ groupname: "night", accountId: me.accountId });
    const members = await jira.groups.getUsersFromGroup({ groupname: "night" });
    const filter = await jira.filters.createFilter({ name: "F", jql: "project = IT" });
    await jira.filterSharing.addSharePermission({ id: filter.id, type: "group", groupname: "night" });
    const shares = await jira.filterSharing.getSharePermissions({ id: filter.id });
    const dashboard = await jira.dashboards.createDashboard({
      name: "D",
      sharePermissions: [],
      editPermissions: [],
    });
    const gadgets = await jira.dashboards.getAllAvailableDashboardGadgets();
    const gadget = await jira.dashboards.addGadget({
      dashboardId: dashboard.id,
      moduleKey: gadgets.gadgets[0].moduleKey,
    });
    const role = await jira.projectRoles.createProjectRole({ name: "QA" });
    await jira.projectRoleActors.addActorUsers({
      projectIdOrKey: "IT",
      id: role.id,
      user: [me.accountId],
    });
    const inProject = await jira.projectRoles.getProjectRole({ projectIdOrKey: "IT", id: role.id });
    const version = await jira.projectVersions.createVersion({ name: "1.0", projectId: 10000 });
    const component = await jira.projectComponents.createComponent({ name: "Net", project: "IT" });
    const project = await jira.projects.getProject({ projectIdOrKey: "IT" });
    const found = await jira.projects.searchProjects();
    const users = await jira.userSearch.findUsers({ query: "automation" });
    const webhooks = await jira.webhooks.registerDynamicWebhooks({
      url: "https://x.example",
      webhooks: [{ events: ["jira:issue_created"], jqlFilter: "project = IT" }],
    });
    const audit = await jira.auditRecords.getAuditRecords();
    const refusedGroup = await refused(jira.groups.createGroup({ name: "night" }));
    await jira.groups.removeGroup({ groupname: "night" });
    await jira.filters.deleteFilter({ id: filter.id });
    await jira.dashboards.deleteDashboard({ id: dashboard.id });
    return {
      group, members, shares, gadget, inProject, version, component, project, found, users,
      webhooks, audit, refusedGroup,
    };
  },

  async sprint() {
    const keys = [];
    for (const name of ["One", "Two", "Three"]) keys.push((await create(name)).key);
    const epic = await create("Epic", "Epic");
    const filter = await jira.filters.createFilter({ name: "F", jql: "project = IT" });
    const board = await agile.board.createBoard({
      name: "B",
      type: "scrum",
      filterId: Number(filter.id),
      location: { type: "project", projectKeyOrId: "IT" },
    });
    const sprint = await agile.sprint.createSprint({ name: "S", originBoardId: board.id });
    const sprintId = sprint.id;
    await agile.sprint.moveIssuesToSprintAndRank({ sprintId, issues: keys.slice(0, 2) });
    await agile.sprint.partiallyUpdateSprint({
      sprintId,
      state: "active",
      startDate: "2026-03-02T09:00:00.000Z",
      endDate: "2026-03-16T09:00:00.000Z",
    });
    await agile.epic.moveIssuesToEpic({ epicIdOrKey: epic.key, issues: [keys[0]] });
    await agile.issue.rankIssues({ issues: [keys[1]], rankBeforeIssue: keys[0] });
    const inSprint = await agile.board.getBoardIssuesForSprint({ boardId: board.id, sprintId });
    const backlog = await agile.board.getIssuesForBacklog({ boardId: board.id });
    const open = await jira.issueSearch.searchForIssuesUsingJqlEnhancedSearch({
      jql: "sprint in openSprints() ORDER BY Rank",
      fields: ["customfield_10020"],
    });
    const boards = await agile.board.getAllBoards({ projectKeyOrId: "IT" });
    const again = await refused(agile.sprint.partiallyUpdateSprint({ sprintId, state: "future" }));
    const closed = await agile.sprint.partiallyUpdateSprint({ sprintId, state: "closed" });
    const epics = await agile.board.getEpics({ boardId: board.id });
    return { keys, board, inSprint, backlog, open, boards, again, closed, epics };
  },

  async schemes() {
    const { fieldSchemes, projectTemplates } = jira;
    const made = await fieldSchemes.createFieldAssociationScheme({ name: "Lean" });
    const id = made.id;
    await fieldSchemes.updateFieldAssociationScheme({ id, name: "Leaner" });
    const scheme = await fieldSchemes.getFieldAssociationSchemeById({ id });
    const given = await fieldSchemes.associateProjectsToFieldAssociationSchemes({
      [id]: { projectIds: [10000] },
    });
    await fieldSchemes.updateFieldsAssociatedWithSchemes({ labels: [{ schemeIds: [id] }] });
    await fieldSchemes.updateFieldAssociationSchemeItemParameters({
      labels: [{ schemeIds: [id], workTypeParameters: [{ workTypeId: 10004, isRequired: true }] }],
    });
    const parameters = await fieldSchemes.getFieldAssociationSchemeItemParameters({
      id,
      fieldId: "labels",
    });
    const missing = await refused(create("Bug", "Bug"));
    await fieldSchemes.removeFieldAssociationSchemeItemParameters({
      labels: [{ schemeId: id, workTypeIds: [10004], parameters: ["isRequired"] }],
    });
    const bug = await create("Bug", "Bug");
    const partly = await fieldSchemes.removeFieldsAssociatedWithSchemes({
      labels: { schemeIds: [id, 777] },
    });
    const fields = await fieldSchemes.searchFieldAssociationSchemeFields({ id, fieldId: "labels" });
    const projects = await fieldSchemes.searchFieldAssociationSchemeProjects({ id });
    const pairs = await fieldSchemes.getProjectsWithFieldSchemes({ projectId: [10000] });
    const all = await fieldSchemes.getFieldAssociationSchemes({ query: "lean" });
    const used = await refused(fieldSchemes.deleteFieldAssociationScheme({ id }));
    await fieldSchemes.associateProjectsToFieldAssociationSchemes({
      10000: { projectIds: [10000] },
    });
    const deleted = await fieldSchemes.deleteFieldAssociationScheme({ id });
    const saved = await projectTemplates.saveTemplate({
      templateName: "Desk",
      templateFromProjectRequest: { projectId: 10000, templateType: "LIVE" },
    });
    const templateKey = saved.projectTemplateKey.key;
    await projectTemplates.editTemplate({ templateKey, templateDescription: "For desks" });
    const template = await projectTemplates.liveTemplate({ templateKey });
    await projectTemplates.removeTemplate({ templateKey });
    const gone = await refused(projectTemplates.liveTemplate({ templateKey }));
    // Answered with a redirect to the task, which the client follows.
    const task = await projectTemplates.createProjectWithCustomTemplate({
      details: { key: "NEW", name: "New" },
      template: { project: { projectTypeKey: "software" } },
    });
    const rules = await jira.appMigration.workflowRuleSearch({
      transferId: "0f1d1f4c-4b93-4a8f-9f58-6a5a5f1fd0e1",
      workflowEntityId: "c6c7e6b0-19c4-4516-9a47-93f76124d4d4",
      ruleIds: ["x"],
    });
    return {
      id, scheme, given, parameters, missing, bug, partly, fields, projects, pairs, all, used,
      deleted, template, gone, rules, task,
    };
  },
};

console.log(JSON.stringify(await scripts[process.argv[2]]()));
