// A certified provider (npm oidc-provider) for tests in a browser: two clients, one invented login page.
import { createServer } from 'node:http';
import { Provider, interactionPolicy } from 'oidc-provider';

const [port, doors, trial] = process.argv.slice(2);  // trial: where test sign-ins come back to
const issuer = `http://127.0.0.1:${port}`;

const client = (door, more) => ({
  client_id: door,
  client_secret: `synthetic-secret-of-${door}-for-tests-only`,
  redirect_uris: [doors, trial].map((site) => `${site}/${door}/callback/oidc`),
  post_logout_redirect_uris: [`${doors}/${door}/signed-out`],
  backchannel_logout_uri: `${doors}/${door}/logout/back-channel`,
  backchannel_logout_session_required: true,
  ...more,
});

const policy = interactionPolicy.base();
policy.get('consent').checks.remove('native_client_prompt');

const provider = new Provider(issuer, {
  clients: [
    client('agents', { response_types: ['code'], grant_types: ['authorization_code'] }),
      // native: to web clients with an implicit grant it refuses http, also on this machine
    client('portal', { application_type: 'native', response_types: ['code id_token'], grant_types: ['authorization_code', 'implicit'] }),
  ],
  responseTypes: ['code', 'code id_token'],
  cookies: { keys: ['synthetic cookie key of a test'] },
  claims: { openid: ['sub', 'acr', 'amr'], sid: null, iss: null, auth_time: null },
  conformIdTokenClaims: false,
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { policy, url: (_ctx, interaction) => `/login/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = `<!doctype html><title>Sign out</title><h1>Sign out at the provider?</h1>${form}
          <button form="op.logoutForm" name="logout" value="yes">Yes</button>`;
      },
    },
  },
  // its own filter refuses addresses of this machine, and the doors are on it
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
});

const serve = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith('/login/')) return serve(request, response);
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html');
    return response.end(`<!doctype html><title>Provider</title><h1>Provider</h1><form method="post">
      <label>Login <input name="login"></label>
      <label><input type="checkbox" name="mfa"> second factor</label><button>Log in</button></form>`);
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const form = new URLSearchParams(body);
  const amr = form.get('mfa') ? ['pwd', 'mfa'] : ['pwd'];
  return provider.interactionFinished(request, response, { login: { accountId: form.get('login'), amr } });
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
