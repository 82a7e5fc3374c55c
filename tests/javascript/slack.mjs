// Slack's own client: each function is one test's script; it returns what the test looks at.
import { WebClient } from "@slack/web-api";

const client = new WebClient(process.env.SLACK_TOKEN, { slackApiUrl: process.env.SLACK_URL });

const scripts = {
  async message() {
    const who = await client.auth.test();
    const { channels } = await client.conversations.list({ limit: 200 });
    const general = channels.find((channel) => channel.is_general);
    const posted = await client.chat.postMessage({
      channel: general.id,
      text: "hello <@" + who.user_id + ">",
      blocks: [{ type: "section", text: { type: "mrkdwn", text: "*hello*" } }],
    });
    const history = await client.conversations.history({ channel: general.id, limit: 1 });
    return { who, general, posted, newest: history.messages[0] };
  },
};

console.log(JSON.stringify(await scripts[process.argv[2]]()));
