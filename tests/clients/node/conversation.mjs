// A vendor's Node program, told what to do over lines of JSON: node conversation.mjs ./openid-client.mjs
// tests/actors/stock.rs and tests/actors/saml.rs say what the lines mean. One process makes many clicks and keeps what
// its library caches.
import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'
globalThis.crypto ??= webcrypto // Node 18

const vendor = await import(process.argv[2])
let server, session

async function answer(wish) {
  if (vendor.converse) return vendor.converse(wish)
  const { begin, callback, verify } = wish
  server ??= await vendor.connect()
  if (begin) {
    const request = await vendor.begin(server)
    session = request.session
    return { authorize: request.url.href }
  }
  if (callback) return vendor.finish(server, new URL(callback), session)
  return { claims: await vendor.reader(server, verify) }
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({
    error: `${error} ${error?.code ?? ''} ${error?.cause ? JSON.stringify(error.cause) : ''}`,
  }))
  process.stdout.write(JSON.stringify(said) + '\n')
}
