/** Branch names are safe for git and for the file system, whatever they are made from. */
import fc from 'fast-check'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { validBranchName } from '../../../services/git/branches.ts'
import { MAX_BRANCH_NAME_LENGTH, renderBranchTemplate, sanitizeBranchName, slugify } from '../../../services/git/branch-name.ts'

t.test('names are made safe', t => {
  const cases: [string, string][] = [
    ['BER-12-add-login', 'BER-12-add-login'],
    ['feature/BER-12 add  login!', 'feature/BER-12-add-login'],
    ['--force', 'force'],
    ['-/.x.-/', 'x'],
    ['a---b', 'a-b'],
    ['a..b', 'a.b'],
    ['a//b', 'a/b'],
    ['a/.hidden', 'a/hidden'],
    ['../../etc/passwd', 'etc/passwd'],
    ['branch.lock', 'branch'],
    ['a.lock/b', 'a/b'],
    ['x@{1}~^:?*[\\', 'x-1'],
    ['Añadir sesión', 'Anadir-sesion'],
    ['日本語', ''],
    ['HEAD', ''],
    ['...', ''],
    ['$(rm -rf /)', 'rm-rf']
  ]
  for (const [raw, safe] of cases) t.equal(sanitizeBranchName(raw), safe, JSON.stringify(raw))
  t.equal(sanitizeBranchName('x'.repeat(119) + '-yz').length, 119, 'cut, and no hyphen left at the end')
  t.end()
})

t.test('whatever comes in, the name keeps the rules and making it safe again changes nothing', t => {
  const piece = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('-', '--', '.', '..', '/', '//', '.lock', '.lock/', 'HEAD', '@{', 'a'))
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }).map(pieces => pieces.join('')), raw => {
    const name = sanitizeBranchName(raw)
    return name === sanitizeBranchName(name) && name.length <= MAX_BRANCH_NAME_LENGTH && /^[A-Za-z0-9._/-]*$/.test(name) &&
      !/--|\.\.|\/\/|\/\.|\.lock(\/|$)|^[-/.]|[-/.]$|^HEAD$/.test(name)
  }), { numRuns: 2_000 })
  t.end()
})

t.test('git accepts what is left', async t => {
  const git = createGit()
  const names = fc.sample(fc.string({ unit: 'binary', maxLength: 30 }).map(sanitizeBranchName).filter(name => name !== ''), { numRuns: 15, seed: 1 })
  for (const name of [...names, 'a/b.c', 'x'.repeat(120)]) t.ok(await validBranchName(git, name), name)
  for (const name of ['', '-x', 'a..b', 'a.lock', '@{-1}', 'HEAD', 'a b', 'nul\0', 'refs/../x']) t.notOk(await validBranchName(git, name), JSON.stringify(name))
})

t.test('templates name their unknown variables', t => {
  t.same(renderBranchTemplate('{{issue.identifier}}-{{ slug }}', { 'issue.identifier': 'BER-1', slug: 'x' }), { text: 'BER-1-x', unknown: [] })
  t.same(renderBranchTemplate('{{issue.id}}/{{nope}}{{constructor}}', { 'issue.id': null }), { text: '/', unknown: ['nope', 'constructor'] })
  t.end()
})

t.test('slugs are lower-case words joined by hyphens', t => {
  t.equal(slugify("  Don't break: the Ünïcode/Login  "), 'dont-break-the-unicode-login')
  t.equal(slugify('!!!'), '')
  t.end()
})
