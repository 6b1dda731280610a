import neostandard from 'neostandard'

/** A fence: files of one room may not import from the rooms named. */
function fence (files, patterns, extra = {}) {
  return {
    files,
    ...extra,
    rules: {
      'no-restricted-imports': ['error', {
        patterns: patterns.map(([group, message]) => ({ group, message }))
      }]
    }
  }
}

const http = [['fastify', 'fastify-plugin', '@fastify/*', '!@fastify/error', '**/plugins/**', '**/routes/**'], 'Services know no HTTP: plugins and routes call them, not the other way round.']
const parents = names => [names.map(name => `**/${name}/**`), 'Inside services the order is control > archive > workspaces, runtime > git, operations > process.']

export default [
  ...neostandard({ ts: true, ignores: ['node_modules', 'dist', '.tap', 'openapi/openapi.json'] }),
  {
    rules: {
      '@stylistic/space-before-function-paren': ['error', 'always'],
      complexity: ['error', 15],
      // A TypeBox schema and its static type share a name; the compiler checks real redeclarations.
      '@typescript-eslint/no-redeclare': 'off'
    }
  },
  {
    files: ['**/*.ts'],
    ignores: ['test/**', 'bench/**', 'db/migrations/**'],
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-explicit-any': 'error'
    }
  },
  {
    // A test file is read top to bottom; its callbacks hold the whole story.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { 'max-lines': ['error', 500] }
  },
  fence(['openapi/schemas/**/*.ts'], [
    [['fastify', 'kysely', 'pg', '**/services/**', '**/db/**', '**/plugins/**', '**/routes/**'], 'Schemas are a leaf: TypeBox and their siblings only.']
  ]),
  fence(['db/**/*.ts'], [
    [['fastify', '@fastify/*', '**/services/**', '**/plugins/**', '**/routes/**'], 'The database layer knows Kysely, its drivers and the types of schemas.']
  ]),
  fence(['services/**/*.ts'], [http]),
  fence(['services/process/**/*.ts'], [http, parents(['control', 'archive', 'workspaces', 'runtime', 'git', 'operations', 'directory'])]),
  fence(['services/git/**/*.ts', 'services/operations/**/*.ts', 'services/folders/**/*.ts'], [http, parents(['control', 'archive', 'workspaces', 'runtime', 'directory'])]),
  fence(['services/workspaces/**/*.ts'], [http, parents(['control', 'archive', 'runtime'])]),
  fence(['services/runtime/**/*.ts'], [http, parents(['control', 'archive', 'workspaces'])]),
  fence(['services/webhooks/**/*.ts'], [http, parents(['control', 'archive', 'workspaces', 'runtime', 'git', 'process'])]),
  fence(['services/archive/**/*.ts'], [http, parents(['control'])]),
  fence(['routes/**/*.ts'], [
    [['kysely', 'pg', '**/db/**', '**/services/**', 'node:child_process', 'child_process'], 'Routes translate, call what plugins decorate, and return.']
  ])
]
