// Slack's own clients: each function is one test's script; it returns what the test looks at.
import { SocketModeClient } from "@slack/socket-mode";
import { WebClient } from "@slack/web-api";

const { SLACK_URL, SLACK_TOKEN, SLACK_USER_TOKEN, SLACK_APP_TOKEN, ROOM, PERSON } = process.env;
const options = { slackApiUrl: SLACK_URL, logLevel: "error" };
const client = new WebClient(SLACK_TOKEN, options);

async function collect(pages) {
  const found = [];
  for await (const page of pages) found.push(page);
  return found;
}

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return { code: error.code, data: error.data };
  }
  return null;
}

const scripts = {
  async message() {
    const who = await client.auth.test();
    const { channels } = await client.conversations.list({ limit: 200 });
    const general = channels.find((channel) => channel.is_general);
    const posted = await client.chat.postMessage({
      channel: general.id,
      text: "hello <@" + who.user_id + ">",
      blocks: [{ type: "section", text: { type: "mrkdwn", text: "*hello*" } }],
      metadata: { event_type: "greeted", event_payload: { loud: true } },
      unfurl_links: false,
    });
    const history = await client.conversations.history({
      channel: general.id,
      limit: 1,
      include_all_metadata: true,
    });
    return { who, general, posted, newest: history.messages[0] };
  },

  async pages() {
    const channels = await collect(client.paginate("conversations.list", { limit: 3 }));
    const members = await collect(
      client.paginate("conversations.members", { channel: ROOM, limit: 2 }),
    );
    return {
      channels: channels.flatMap((page) => page.channels.map((channel) => channel.id)),
      members: members.flatMap((page) => page.members),
      pages: members.length,
    };
  },

  async upload() {
    const done = await client.filesUploadV2({
      channel_id: ROOM,
      initial_comment: "two files",
      file_uploads: [
        { file: Buffer.from("name,action\nada,add\n"), filename: "plan.csv", title: "Plan" },
        { file: Buffer.from([0, 255, 10]), filename: "raw.bin" },
      ],
    });
    const listed = await client.files.list({ channel: ROOM });
    return { files: done.files.flatMap((part) => part.files), listed: listed.files };
  },

  async errors() {
    const blocks = [{ type: "section", text: { type: "mrkdwn", text: "y".repeat(3001) } }];
    return {
      platform: await refused(client.chat.postMessage({ channel: ROOM, text: "x", blocks })),
      scope: await refused(client.admin.users.list({ team_id: "T" })),
      token: await refused(new WebClient("xoxb-no", options).auth.test()),
      kind: await refused(client.search.messages({ query: "x" })),
    };
  },

  async limits() {
    let asked = 0;
    const patient = new WebClient(SLACK_TOKEN, options);
    patient.on("rate_limited", () => (asked += 1));
    const answer = await patient.users.info({ user: PERSON });
    const strict = new WebClient(SLACK_TOKEN, { ...options, rejectRateLimitedCalls: true });
    const said = await refused(strict.users.info({ user: PERSON }));
    return { asked, ok: answer.ok, said };
  },

  async stream() {
    const root = await client.chat.postMessage({ channel: ROOM, text: "ask" });
    const { team_id } = await client.auth.test();
    const stream = client.chatStream({
      channel: ROOM,
      thread_ts: root.ts,
      recipient_user_id: PERSON,
      recipient_team_id: team_id,
      buffer_size: 8,
    });
    await stream.append({ markdown_text: "**hello " });
    await stream.append({ markdown_text: "wo" });
    await stream.append({ markdown_text: "rld" });
    const done = await stream.stop({ markdown_text: "**" });
    return done;
  },

  async wide() {
    const user = new WebClient(SLACK_USER_TOKEN, options);
    const made = await client.conversations.create({ name: "from-js" });
    const channel = made.channel.id;
    await client.conversations.invite({ channel, users: PERSON });
    await client.conversations.setTopic({ channel, topic: "t" });
    const posted = await client.chat.postMessage({ channel, text: "x" });
    const item = { channel, timestamp: posted.ts };
    await client.reactions.add({ ...item, name: "eyes" });
    await client.pins.add(item);
    await user.stars.add(item);
    await client.bookmarks.add({ channel_id: channel, title: "W", type: "link", link: "http://w" });
    const group = await client.usergroups.create({ name: "g", handle: "g" });
    await client.usergroups.users.update({ usergroup: group.usergroup.id, users: PERSON });
    const list = await client.slackLists.create({ name: "L", todo_mode: true });
    const record = await client.slackLists.items.create({ list_id: list.list_id });
    const canvas = await client.canvases.create({
      title: "C",
      document_content: { type: "markdown", markdown: "# x" },
    });
    await client.files.remote.add({ external_id: "1", external_url: "http://r", title: "R" });
    await client.files.remote.share({ external_id: "1", channels: channel });
    await client.views.publish({ user_id: PERSON, view: { type: "home", blocks: [] } });
    const reminder = await user.reminders.add({ text: "tea", time: "300" });
    const archived = await client.conversations.archive({ channel });
    return { list, record, canvas, reminder, archived };
  },

  async socket() {
    const socket = new SocketModeClient({
      appToken: SLACK_APP_TOKEN,
      clientOptions: options,
      clientPingTimeout: 30000,
    });
    const heard = new Promise((resolve) => {
      socket.on("message", async ({ event, ack }) => {
        await ack();
        resolve(event);
      });
    });
    await socket.start();
    const user = new WebClient(SLACK_USER_TOKEN, options);
    await user.chat.postMessage({ channel: ROOM, text: "over the socket" });
    const event = await heard;
    await socket.disconnect();
    return event;
  },
};

console.log(JSON.stringify(await scripts[process.argv[2]]()));
