import t from 'tap'
import { isSecretName, secretValues } from '../../../services/operations/secret-names.ts'

const secret = ['API_TOKEN', 'apiKey', 'DB_PASSWORD', 'dbPasswd', 'AWS_SECRET_ACCESS_KEY', 'GH_PAT', 'DB_PASS', 'SSH_KEY', 'SENTRY_DSN', 'NPM_CONFIG__AUTH', 'DATABASE_URL', 'GOOGLE_CREDENTIALS', 'JWT', 'SIGNING_PASSPHRASE', 'BERTH_JWT_SECRET']
const open = ['PATH', 'PWD', 'OLDPWD', 'HOME', 'SSH_AUTH_SOCK', 'BERTH_AUTH_MODE', 'TOKEN_FILE', 'SECRET_NAME', 'BERTH_JWT_PUBLIC_KEY', 'MAX_TOKENS', 'TOKENIZERS_PARALLELISM', 'KEYBOARD', 'PASSENGER', 'AUTHOR', 'COMPASS']

t.test('names that tell of a secret are secret, names that only sound so are not', async t => {
  for (const name of secret) t.ok(isSecretName(name), name)
  for (const name of open) t.notOk(isSecretName(name), name)
})

t.test('values of secret variables are taken, others left', async t => {
  t.same(secretValues({ API_TOKEN: 'tok-123456', EDITOR: 'vim-is-fine', GONE_TOKEN: undefined }), ['tok-123456', 'tok-123456', 'tok-123456', 'tok-123456'])
})

t.test('short values, flags and small numbers are no secrets', async t => {
  t.same(secretValues({ A_TOKEN: 'true', B_TOKEN: '128000', C_TOKEN: 'abc', D_TOKEN: 'disabled', E_TOKEN: '' }), [])
})

t.test('a value is known in every spelling it may be printed in', async t => {
  const values = secretValues({ DATABASE_URL: 'postgres://u:s3cret/pw?@db/x' })
  t.ok(values.includes('postgres%3A%2F%2Fu%3As3cret%2Fpw%3F%40db%2Fx'), 'as part of a URL')
  t.ok(secretValues({ A_SECRET: 'quo"ted\\value' }).includes('quo\\"ted\\\\value'), 'as JSON')
  t.ok(secretValues({ DATABASE_URL: 'postgres://u:s3cretpw@db/x' }).includes('s3cretpw'), 'the password of a URL')
  t.notOk(secretValues({ DATABASE_URL: 'postgres://postgres:postgres@db/x' }).includes('postgres'), 'a password that is the user name too is only masked in URLs')
  const key = '-----BEGIN KEY-----\nMIIEvAIBADANBgkqhkiG9w0B\nshort\n-----END KEY-----'
  t.ok(secretValues({ PRIVATE_KEY: key }).includes('MIIEvAIBADANBgkqhkiG9w0B'), 'a line of a key')
  t.notOk(secretValues({ PRIVATE_KEY: key }).includes('short'), 'a short line is left')
})

t.test('a value with half a surrogate pair is no obstacle', async t => {
  t.ok(secretValues({ A_TOKEN: 'abc\ud800def' }).includes('abc\ud800def'))
})
