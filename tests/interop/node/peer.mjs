// One process for all rows: a JSON object a line in, {"value": …} or {"error": …} a line out.
import { createInterface } from 'node:readline'
import * as jose from 'jose'

const bytes = (text) => new TextEncoder().encode(text)
const text = (data) => new TextDecoder().decode(data)

const verbs = {
  async sign({ key, header, claims }) {
    const signer = await jose.importJWK(key, header.alg)
    return new jose.SignJWT(claims).setProtectedHeader(header).sign(signer)
  },

  async seal({ key, header, token }) {
    const sealer = await jose.importJWK(key, header.alg)
    return new jose.CompactEncrypt(bytes(token)).setProtectedHeader(header).encrypt(sealer)
  },

  async verify({ jwks, token, algorithm, issuer, audience, now }) {
    const options = { algorithms: [algorithm], issuer, audience, typ: 'at+jwt', currentDate: new Date(now * 1000) }
    const [first] = jwks.keys
    // A JWK Set is for public keys there; a shared secret is handed over as it is.
    const key = first.kty === 'oct' ? await jose.importJWK(first, algorithm) : jose.createLocalJWKSet(jwks)
    return (await jose.jwtVerify(token, key, options)).payload
  },

  async open({ key, token }) {
    const opened = await jose.compactDecrypt(token, await jose.importJWK(key, key.alg), {
      keyManagementAlgorithms: [key.alg],
      contentEncryptionAlgorithms: ['A256GCM'],
    })
    return { header: opened.protectedHeader, token: text(opened.plaintext) }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, ...rest } = JSON.parse(line)
  let answer
  try {
    answer = { value: await verbs[verb](rest) }
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
