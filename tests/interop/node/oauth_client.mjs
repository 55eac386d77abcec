// One service that uses an authorization server by two libraries, as they are.  A JSON object a line in, and for each
// {"fetch": …} for every request, answered by a line, then {"value": …} or {"error": …}.
import { createInterface } from 'node:readline'
import { importJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const read = async () => JSON.parse((await lines.next()).value)
const write = (message) => process.stdout.write(JSON.stringify(message) + '\n')

async function throughTheTest(url, { method = 'GET', headers = {}, body }) {
  const fields = Object.fromEntries(new Headers(headers).entries())
  if (body && !fields['content-type']) fields['content-type'] = 'application/x-www-form-urlencoded'
  write({ fetch: { url: String(url), method, headers: fields, body: body ? String(body) : '' } })
  const answer = await read()
  return new Response(answer.body || null, { status: answer.status, headers: answer.headers })
}

async function authentication(library, { method, secret, key }) {
  const constructors = {
    client_secret_basic: () => library.ClientSecretBasic(secret),
    client_secret_post: () => library.ClientSecretPost(secret),
    client_secret_jwt: () => library.ClientSecretJwt(secret),
    private_key_jwt: async () => library.PrivateKeyJwt({ key: await importJWK(key, key.alg), kid: key.kid }),
  }
  return constructors[method]()
}

const seconds = () => Math.floor(Date.now() / 1000)

const libraries = {
  async oauth4webapi(task) {
    const options = { [oauth.customFetch]: throughTheTest }
    const client = { client_id: task.client_id, [oauth.clockSkew]: task.now - seconds() }
    const auth = await authentication(oauth, task)
    const issuer = new URL(task.issuer)
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options })
    const server = await oauth.processDiscoveryResponse(issuer, found)
    const introspect = async (token) => {
      const response = await oauth.introspectionRequest(server, client, auth, token, options)
      return oauth.processIntrospectionResponse(server, client, response)
    }
    const parameters = new URLSearchParams(task.parameters)
    const token = await (task.grant_type
      ? oauth
          .genericTokenEndpointRequest(server, client, auth, task.grant_type, parameters, options)
          .then((asked) => oauth.processGenericTokenEndpointResponse(server, client, asked))
      : oauth
          .clientCredentialsGrantRequest(server, client, auth, parameters, options)
          .then((asked) => oauth.processClientCredentialsResponse(server, client, asked)))
    const before = await introspect(token.access_token)
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, auth, token.access_token, options),
    )
    return { token, before, after: await introspect(token.access_token) }
  },

  async 'openid-client'(task) {
    const metadata = { client_secret: task.secret, [openid.clockSkew]: task.now - seconds() }
    const auth = await authentication(openid, task)
    const config = await openid.discovery(new URL(task.issuer), task.client_id, metadata, auth, {
      algorithm: 'oauth2',
      [openid.customFetch]: throughTheTest,
    })
    const token = await (task.grant_type
      ? openid.genericGrantRequest(config, task.grant_type, task.parameters)
      : openid.clientCredentialsGrant(config, task.parameters))
    const before = await openid.tokenIntrospection(config, token.access_token)
    await openid.tokenRevocation(config, token.access_token)
    return { token, before, after: await openid.tokenIntrospection(config, token.access_token) }
  },
}

for (;;) {
  const { value: line, done } = await lines.next()
  if (done) break
  const task = JSON.parse(line)
  try {
    write({ value: await libraries[task.library](task) })
  } catch (error) {
    write({ error: `${error.code ?? ''} ${error.error ?? ''} ${error}` })
  }
}
