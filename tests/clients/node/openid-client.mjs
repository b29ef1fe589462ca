// docs:begin connect
import * as oidc from 'openid-client'

const { LIBRARY_ISSUER, LIBRARY_CLIENT_ID, LIBRARY_CLIENT_SECRET, LIBRARY_REDIRECT_URI } = process.env

// Once, at start: `server` keeps the library's metadata and keys.
export function connect() {
  const execute = [oidc.enableNonRepudiationChecks] // verify the ID token's signature, not only the TLS that brought it
  if (LIBRARY_ISSUER.startsWith('http://127.0.0.1')) execute.push(oidc.allowInsecureRequests) // oneaccess demo
  const authentication = oidc.ClientSecretBasic(LIBRARY_CLIENT_SECRET)
  return oidc.discovery(new URL(LIBRARY_ISSUER), LIBRARY_CLIENT_ID, {}, authentication, { execute })
}
// docs:end

// docs:begin sign-in
// Your "sign in with the library" link: keep `session` in the browser's session, send the browser to `url`.
export async function begin(server) {
  const session = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
  const url = oidc.buildAuthorizationUrl(server, {
    redirect_uri: LIBRARY_REDIRECT_URI,
    scope: 'openid library.ebooks',
    code_challenge: await oidc.calculatePKCECodeChallenge(session.verifier),
    code_challenge_method: 'S256',
    state: session.state,
    nonce: session.nonce,
  })
  return { url, session }
}

// Your callback, with the whole address that the browser came to: state, iss, code, PKCE, nonce and signature are checked.
export async function finish(server, callback, session) {
  const tokens = await oidc.authorizationCodeGrant(server, callback, {
    pkceCodeVerifier: session.verifier,
    expectedState: session.state,
    expectedNonce: session.nonce,
    idTokenExpected: true,
  })
  const claims = tokens.claims() // claims.sub is the reader: key your records on it
  const userinfo = await oidc.fetchUserInfo(server, tokens.access_token, claims.sub)
  return { claims, userinfo, ...tokens }
}
// docs:end

// docs:begin api
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { LIBRARY_RESOURCE } = process.env // your `resource`: https://access.library.example/vendors/maple
let keys

// At your API: who sends this access token? Throws where nobody should be believed.
export async function reader(server, accessToken) {
  keys ??= createRemoteJWKSet(new URL(server.serverMetadata().jwks_uri))
  const { payload } = await jwtVerify(accessToken, keys, {
    typ: 'at+jwt',
    algorithms: ['ES256'],
    issuer: LIBRARY_ISSUER,
    audience: LIBRARY_RESOURCE,
    requiredClaims: ['exp', 'sub', 'client_id', 'scope'],
  })
  if (!payload.scope.split(' ').includes('library.ebooks')) throw new Error('no e-books for this reader')
  return payload
}
// docs:end
