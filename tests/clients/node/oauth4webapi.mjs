// docs:begin connect
import * as oauth from 'oauth4webapi'

const { LIBRARY_ISSUER, LIBRARY_CLIENT_ID, LIBRARY_CLIENT_SECRET, LIBRARY_REDIRECT_URI } = process.env

const client = { client_id: LIBRARY_CLIENT_ID }
const authentication = oauth.ClientSecretBasic(LIBRARY_CLIENT_SECRET)
const options = { [oauth.allowInsecureRequests]: LIBRARY_ISSUER.startsWith('http://127.0.0.1') } // oneaccess demo

// Once, at start: keep `server`, the library's keys are cached with it.
export async function connect() {
  const issuer = new URL(LIBRARY_ISSUER)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
}
// docs:end

// docs:begin sign-in
// Your "sign in with the library" link: keep `session` in the browser's session, send the browser to `url`.
export async function begin(server) {
  const session = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  }
  const url = new URL(server.authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: LIBRARY_CLIENT_ID,
    redirect_uri: LIBRARY_REDIRECT_URI,
    scope: 'openid library.ebooks',
    code_challenge: await oauth.calculatePKCECodeChallenge(session.verifier),
    code_challenge_method: 'S256',
    state: session.state,
    nonce: session.nonce,
  })
  return { url, session }
}

// Your callback, with the whole address that the browser came to.
export async function finish(server, callback, session) {
  const params = oauth.validateAuthResponse(server, client, callback, session.state) // state and iss
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, params, LIBRARY_REDIRECT_URI, session.verifier, options,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: session.nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(server, response, options) // the ID token's signature
  const claims = oauth.getValidatedIdTokenClaims(tokens) // claims.sub is the reader: key your records on it
  const answer = await oauth.userInfoRequest(server, client, tokens.access_token, options)
  const userinfo = await oauth.processUserInfoResponse(server, client, claims.sub, answer)
  return { claims, userinfo, ...tokens }
}
// docs:end

// docs:begin api
const { LIBRARY_RESOURCE } = process.env // your `resource`: https://access.library.example/vendors/maple

// At your API: who sends this request? Throws where nobody should be believed. `request` is a web-standard Request.
export async function holder(server, request) {
  const claims = await oauth.validateJwtAccessToken(server, request, LIBRARY_RESOURCE, {
    ...options,
    signingAlgorithms: ['ES256'],
  })
  if (!claims.scope?.split(' ').includes('library.ebooks')) throw new Error('no e-books for this reader')
  return claims
}
// docs:end

export function reader(server, accessToken) {
  const headers = { authorization: `Bearer ${accessToken}` }
  return holder(server, new Request('http://127.0.0.1/shelf', { headers }))
}
