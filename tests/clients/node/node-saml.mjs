// docs:begin connect
import { readFileSync } from 'node:fs'
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
import { DOMParser } from '@xmldom/xmldom'

const { LIBRARY_ENTITY_ID, VENDOR_URL, VENDOR_KEY, VENDOR_CERTIFICATE } = process.env
const key = readFileSync(VENDOR_KEY, 'utf8')
const certificate = readFileSync(VENDOR_CERTIFICATE, 'utf8')

const ours = {
  issuer: `${VENDOR_URL}/saml/metadata`,
  callbackUrl: `${VENDOR_URL}/saml/acs`,
  logoutCallbackUrl: `${VENDOR_URL}/saml/slo`,
  identifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  privateKey: key,
  publicCert: certificate,
  decryptionPvk: key,
  signatureAlgorithm: 'sha256', // the default is SHA-1, which the library refuses
  digestAlgorithm: 'sha256',
  wantAuthnResponseSigned: true,
  wantAssertionsSigned: true,
  validateInResponseTo: ValidateInResponseTo.always, // several workers: give them one cacheProvider
  requestIdExpirationPeriodMs: 30 * 60_000,
  acceptedClockSkewMs: 30_000,
}

// Once an hour: the library's keys change. node-saml reads no metadata, so take from it what it wants.
export async function connect(more = {}) {
  const answer = await fetch(process.env.LIBRARY_METADATA)
  const document = new DOMParser().parseFromString(await answer.text(), 'text/xml')
  const all = (name) => Array.from(document.getElementsByTagNameNS('*', name))
  const redirect = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'
  const at = (name) => all(name).find((e) => e.getAttribute('Binding') === redirect).getAttribute('Location')
  const signing = all('KeyDescriptor').filter((e) => e.getAttribute('use') !== 'encryption')
  return new SAML({
    ...ours,
    idpIssuer: LIBRARY_ENTITY_ID,
    entryPoint: at('SingleSignOnService'),
    logoutUrl: at('SingleLogoutService'),
    idpCert: signing.map((e) => e.getElementsByTagNameNS('*', 'X509Certificate')[0].textContent),
    ...more,
  })
}

// What you send the library, once. It says POST for logout, where node-saml refuses the library's answer to you
// as long as `validateInResponseTo` is on; by redirect it takes both.
export function metadata(saml) {
  const text = saml.generateServiceProviderMetadata(certificate, certificate)
  return text.replace(/(<SingleLogoutService Binding="[^"]*:)HTTP-POST"/, '$1HTTP-Redirect"')
}
// docs:end

// docs:begin sign-in
// Your "sign in with the library" link: send the browser there.
export function begin(saml, cameFrom) {
  return saml.getAuthorizeUrlAsync(cameFrom, undefined, {})
}

// Your assertion consumer service, with the fields of the POST: { SAMLResponse, RelayState }.
export async function arrive(saml, form) {
  const { profile } = await saml.validatePostResponseAsync(form)
  if (!profile) throw new Error('nobody is signed in at the library (NoPassive)')
  return profile // profile.nameID is the reader: key your records on it; profile.attributes is what she may
}
// docs:end

// docs:begin sign-out
// Your "sign out" link, with what `arrive` returned: send the browser there.
export function signOut(saml, reader) {
  return saml.getLogoutUrlAsync(reader, '', {})
}

// Your single logout service, with the whole query: where to send the browser, if anywhere.
export async function logout(saml, query, reader) {
  const fields = Object.fromEntries(new URLSearchParams(query))
  if (!fields.Signature || !fields.SigAlg.endsWith('#rsa-sha256')) throw new Error('not signed') // left to you
  const { profile } = await saml.validateRedirectAsync(fields, query)
  if (!profile) return null // she is signed out everywhere
  const known = profile.nameID === reader?.nameID // she signed out elsewhere: end this browser's session here
  return saml.getLogoutResponseUrlAsync(profile, fields.RelayState, {}, known)
}
// docs:end

// What follows is the test's: it plays the browser's session.

const plain = process.env.VENDOR_PLAIN ? { decryptionPvk: undefined } : {}
const mistaken = !!process.env.VENDOR_MISTAKEN
const wishes = (wish) => ({ ...plain, forceAuthn: !!wish.force_authn, passive: !!wish.is_passive })
let kept, reader

export async function converse(wish) {
  if (wish.metadata) return { metadata: metadata(new SAML({ ...ours, ...plain, idpCert: 'AAAA', entryPoint: VENDOR_URL })) }
  if (wish.reload) process.env.LIBRARY_METADATA = wish.reload
  if (!kept || wish.reload) kept = await connect(plain)
  if (wish.reload) return {}
  if (wish.begin) {
    const { binding = 'redirect', relay_state = '' } = wish.begin
    // What was asked is remembered by the one that asks, so all share the memory of the first.
    const shared = { ...wishes(wish.begin), cacheProvider: kept.cacheProvider }
    if (mistaken) shared.signatureAlgorithm = undefined
    if (binding === 'redirect') return { url: await begin(await connect(shared), relay_state) }
    // By POST it deflates, too, unless told otherwise, and nobody else does.
    const saml = await connect({ ...shared, skipRequestCompression: !mistaken })
    return { action: saml.options.entryPoint, fields: await saml.getAuthorizeMessageAsync(relay_state) }
  }
  if (wish.response) {
    const profile = await arrive(kept, wish.response)
    reader = profile
    return {
      name_id: profile.nameID,
      format: profile.nameIDFormat,
      session_index: profile.sessionIndex,
      attributes: profile.attributes,
      relay_state: wish.response.RelayState,
      issuer: profile.issuer,
    }
  }
  if (wish.logout) return { url: await signOut(kept, reader) }
  const url = await logout(kept, wish.message.query, reader)
  return url ? { url } : { done: 'Success' }
}
