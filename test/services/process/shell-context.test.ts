/* eslint no-template-curly-in-string: off -- shell text is the subject here */
import t from 'tap'
import { createShellReader } from '../../../services/process/shell-context.ts'

function contextAfter (...pieces: string[]): string {
  const reader = createShellReader()
  for (const piece of pieces) reader.read(piece)
  return reader.context()
}

const cases: Array<[text: string, context: string]> = [
  ['', 'bare'],
  ['echo ', 'bare'],
  ['echo "', 'double'],
  ['echo "a"', 'bare'],
  ["echo '", 'single'],
  ["echo 'a'", 'bare'],
  ["echo '\\", 'single'],
  ["echo '\\'", 'bare'],
  ["echo \\'", 'bare'],
  ['echo "\\"', 'double'],
  ["echo \"it's", 'double'],
  ['# it\'s "', 'comment'],
  ["# it's\n", 'bare'],
  ["a#it's", 'single'],
  ['echo "#', 'double'],
  ['x=$(', 'bare'],
  ['x="$(', 'bare'],
  ['x="$(echo "', 'double'],
  ['x="$(echo a)', 'double'],
  ['x="$( (a) ', 'bare'],
  ['x="$( (a) )', 'double'],
  ['x=`', 'bare'],
  ['x="`a', 'bare'],
  ['x="`a`', 'double'],
  ['"${a:-', 'double'],
  ['"${a}', 'double'],
  ['${a:-', 'bare'],
  ['$((', 'arithmetic'],
  ['$(( (1', 'arithmetic'],
  ['$(( (1) ', 'arithmetic'],
  ['$(( (1) + 2 ))', 'bare'],
  ['"$((1))', 'double'],
  ['cat <<EOF', 'bare'],
  ['cat <<EOF\n', 'heredoc'],
  ["cat <<EOF\nit's", 'heredoc'],
  ['cat <<EOF\nEOFF\n', 'heredoc'],
  ['cat <<EOF\nEOF\n', 'bare'],
  ['cat <<-EOF\n\ta\n\tEOF\n', 'bare'],
  ['cat <<EOF\n\tEOF\n', 'heredoc'],
  ["cat <<'E F'\n", 'literal-heredoc'],
  ["cat <<'E F'\nE F\n", 'bare'],
  ['cat <<\\EOF\n', 'literal-heredoc'],
  ['cat <<"EOF"\n', 'literal-heredoc'],
  ["cat <<A <<'B'\nA\n", 'literal-heredoc'],
  ["cat <<A <<'B'\nA\nB\n", 'bare'],
  ['cat <<<"a', 'double'],
  ['x="$(cat <<EOF\n"', 'heredoc'],
  ['x="$(cat <<EOF\n"\nEOF\n)', 'double'],
  ['a | b && c; } ) ', 'bare']
]

for (const [text, context] of cases) {
  t.test(`after ${JSON.stringify(text)} comes a place of kind ${context}`, async t => {
    t.equal(contextAfter(text), context)
  })
}

t.test('what one piece opened, a later one closes', async t => {
  t.equal(contextAfter('echo "', 'a" \'b', "' $(", ')'), 'bare')
  t.equal(contextAfter('cat <<EOF\n', "it's\n", 'EO', 'F\n'), 'bare')
})

t.test('a text of any length is read in time that grows with it', async t => {
  t.equal(contextAfter("echo 'a' \"b\" ".repeat(2000)), 'bare')
})
