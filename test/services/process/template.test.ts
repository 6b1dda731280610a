/* eslint no-template-curly-in-string: off -- shell text is the subject here */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { Unprocessable } from '../../../services/errors.ts'
import { namedAddresses, namedServices, namesPort, renderCommand, renderText, unknownNames, withStandIns, type TemplateScope } from '../../../services/process/template.ts'

const scope: TemplateScope = {
  workspace: { cwd: '/w', branchName: 'feature/x', worktreePath: '/w', repoUrl: 'https://example.test/r', repoRef: null, env: { API_KEY: 'k', 'with.dot': 'd' } },
  project: { id: 'p1' },
  issue: { id: 'i1', identifier: 'T-1', title: 'plain' },
  agent: null,
  slug: 'plain',
  port: 4000,
  services: { api: { port: 5000, url: 'http://127.0.0.1:5000' }, 'web app 2.0': { port: 5001, url: null } }
}
const titled = (title: string): TemplateScope => ({ ...scope, issue: { id: 'i1', identifier: 'T-1', title } })

/** What the shell prints for a command, run as the service runs it. */
function printed (template: string, title: string, shell = '/bin/sh'): string {
  const { command, env } = renderCommand(template, titled(title))
  return execFileSync(shell, ['-c', command], { encoding: 'utf8', env: { PATH: process.env.PATH ?? '', ...env }, cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] })
}

t.test('values are put in, blanks inside the braces or not', async t => {
  t.equal(renderText('http://127.0.0.1:{{port}}/{{ workspace.branchName }}?i={{issue.identifier}}', scope), 'http://127.0.0.1:4000/feature/x?i=T-1')
  t.equal(renderText('{{services.api.url}} {{services.api.port}} {{services.web app 2.0.port}}', scope), 'http://127.0.0.1:5000 5000 5001')
  t.equal(renderText('{{workspace.env.API_KEY}} {{workspace.env.with.dot}} {{slug}} {{project.id}}', scope), 'k d plain p1')
})

t.test('what is known but absent is empty', async t => {
  t.equal(renderText('[{{workspace.repoRef}}][{{agent.name}}]', scope), '[][]')
})

t.test('what is unknown, or a port or URL that is not there, is refused by name', async t => {
  for (const name of ['nothing', 'workspace.nothing', 'workspace.__proto__', 'issue', 'services.api', 'services.missing.port', 'services.web app 2.0.url', 'services.toString.port', 'workspace.env.MISSING', 'workspace.env.constructor']) {
    t.throws(() => renderText(`a {{${name}}}`, scope), { code: 'unprocessable', message: new RegExp(name) })
    t.throws(() => renderCommand(`a {{${name}}}`, scope), Unprocessable)
  }
  t.throws(() => renderText('{{port}}', { ...scope, port: null }), { message: /port.*no value/ })
})

t.test('values are not templates themselves', async t => {
  t.equal(renderText('{{issue.title}}', titled('{{port}} $& $1')), '{{port}} $& $1')
})

t.test("other programs' braces and escaped ones stay as they are", async t => {
  t.equal(renderText("docker ps --format '{{.Names}}' {} {{}} {{ }}", scope), "docker ps --format '{{.Names}}' {} {{}} {{ }}")
  t.equal(renderText('\\{{json .}} {{port}}', scope), '{{json .}} 4000')
  t.equal(printed("echo '\\{{json .}}'", 'x'), '{{json .}}\n')
})

t.test('a config can be checked without a scope', async t => {
  t.same(unknownNames('{{port}} {{services.api.port}} {{workspace.env.X}} {{oops}} {{issue.oops}} {{oops}} {{.Names}}'), ['oops', 'issue.oops'])
  t.same(namedServices('{{services.api.port}} {{services.web app 2.0.url}} {{services.api.url}} {{port}}'), ['api', 'web app 2.0'])
  t.same(namedAddresses('{{services.api.port}} {{ services.api.url }} {{services.api.port}}'), [{ service: 'api', part: 'port' }, { service: 'api', part: 'url' }])
  t.ok(namesPort('http://{{ port }}/'))
  t.notOk(namesPort('\\{{port}} {{services.port.url}}'))
  t.equal(withStandIns('http://{{issue.id}}:{{port}}/\\{{x}}'), 'http://1:1/{{x}}')
})

const nasty = [
  'plain', '', 'two  blanks', "it's", 'a "quoted" word', '$HOME', '$(echo ran)', '`echo ran`', '; echo ran', '&& echo ran', '| echo ran', '\\', '\\n', '*', '~', '#comment',
  'line\nbreak', "'; echo ran; '", '"; echo ran; "', '${HOME}', '!!', '-n', 'EOF', '\u00e9\u4e2d\ud83d\ude00', '{{port}}'
]
/** Each prints the value between square brackets. */
const places: Record<string, string> = {
  bare: "printf '[%s]' {{issue.title}}",
  'in double quotes': "printf '[%s]' \"{{issue.title}}\"",
  'in single quotes': "printf '[%s]' '{{issue.title}}'",
  'after a quote inside quotes': "printf '%s' \"it's\"'\"' >/dev/null; printf '[%s]' {{issue.title}}",
  'after an escaped quote': "printf '%s' \\' \\\" >/dev/null; printf '[%s]' {{issue.title}}",
  'after an escaped quote in quotes': "printf '%s' \"\\\"'\" >/dev/null; printf '[%s]' '{{issue.title}}'",
  'after a comment with a quote': "# it's a comment\nprintf '[%s]' {{issue.title}}",
  'after a # that is no comment': "printf '%s' a#it >/dev/null; printf '[%s]' '{{issue.title}}'",
  'in a substitution': "x=$(printf '[%s]' {{issue.title}}); printf '%s' \"$x\"",
  'in a substitution in double quotes': "printf '%s' \"$(printf '[%s]' {{issue.title}})\"",
  'in quotes in a substitution in double quotes': "printf '%s' \"$(printf '[%s]' \"{{issue.title}}\")\"",
  'in single quotes in a substitution in double quotes': "printf '%s' \"$(printf '[%s]' '{{issue.title}}')\"",
  'in backticks': "printf '%s' \"`printf '[%s]' {{issue.title}}`\"",
  'in a default in quotes': "printf '[%s]' \"${UNSET:-{{issue.title}}}\"",
  'in a bare default': "printf '[%s]' ${UNSET:-{{issue.title}}}",
  'in a subshell': "(printf '[%s]' {{issue.title}})",
  'in an assignment': "x={{issue.title}}; printf '[%s]' \"$x\"",
  'in a here-document': 'cat <<EOF\n[{{issue.title}}]\nEOF',
  'after a here-document with a quote': "cat >/dev/null <<EOF\nit's\nEOF\nprintf '[%s]' {{issue.title}}",
  'after an indented here-document': "cat >/dev/null <<-'EOF'\n\tit's \"\n\tEOF\nprintf '[%s]' '{{issue.title}}'",
  'after arithmetic with a bracket and a shift': "printf '%s' $(( (1 << 2) + 1 )) >/dev/null; printf '[%s]' '{{issue.title}}'"
}

for (const shell of ['/bin/sh', '/bin/bash'].filter(existsSync)) {
  for (const [place, template] of Object.entries(places)) {
    t.test(`a value ${place} reaches ${shell} as it is, whatever it holds`, async t => {
      for (const value of nasty) {
        const got = printed(template, value, shell)
        t.equal(place === 'in a here-document' ? got.trimEnd() : got, `[${value}]`, JSON.stringify(value))
      }
    })
  }
}

t.test('a dollar right before a value in quotes stays a dollar', async t => {
  t.equal(printed("printf '%s' \"costs ${{issue.title}}\"", '5 or 6'), 'costs $5 or 6')
})

t.test('each name is one variable, however often it is used', async t => {
  const { command, env } = renderCommand('a {{port}} "{{port}}" {{slug}}', scope)
  t.equal(command, 'a "${BERTH_VALUE_1}" "${BERTH_VALUE_1}" "${BERTH_VALUE_2}"')
  t.same(env, { BERTH_VALUE_1: '4000', BERTH_VALUE_2: 'plain' })
  t.same(renderCommand('npm run dev', scope), { command: 'npm run dev', env: {} })
})

t.test('arithmetic takes whole numbers only', async t => {
  t.equal(printed('echo $(( {{issue.title}} + (1 * 2) ))', '40'), '42\n')
  t.throws(() => renderCommand('echo $(( {{issue.title}} + 1 ))', titled('a[$(id)]')), { message: /arithmetic/ })
})

t.test('a quoted here-document is refused, as nothing is put in there', async t => {
  t.throws(() => renderCommand("cat <<'EOF'\n{{issue.title}}\nEOF", scope), { message: /here-document/ })
})

t.test('where a shell parses its argument again, only values that mean nothing to a shell are let in', async t => {
  for (const template of ["sh -c 'echo {{issue.title}}'", 'bash -lc "echo {{issue.title}}"', 'eval "echo {{issue.title}}"', 'true; /bin/bash -e -c "echo {{issue.title}}"']) {
    t.throws(() => renderCommand(template, titled('x; echo ran')), { code: 'unprocessable', message: /parses again/ }, template)
    t.doesNotThrow(() => renderCommand(template, titled('feature/x-1.0')), template)
  }
  t.doesNotThrow(() => renderCommand('./publish -c {{issue.title}}', titled('x; y')), 'other programs have a -c too')
})
