/** Entity tags and conditions. */
import t from 'tap'
import { entityTag, namesTag, namesVersion, requireConditions } from '../../services/entity-tag.ts'

t.test('the content decides; a counted version stands before it', async t => {
  t.not(entityTag({ updatedAt: 'x' }), entityTag({ updatedAt: 'y' }))
  t.match(entityTag({}), /^"[\w-]{22}"$/)
  t.equal(entityTag({ version: 7 }), entityTag({ version: 7 }))
  t.match(entityTag({ version: 7 }), /^"7-[\w-]{22}"$/)
})

t.test('If-None-Match names a tag alone, in a list, weakly, or by *', async t => {
  for (const header of ['"7"', 'W/"7"', '"6", "7"', '*', ' * ']) t.ok(namesTag(header, '"7"'), header)
  for (const header of ['', '"70"', '7', '"6", "8"']) t.notOk(namesTag(header, '"7"'), header)
})

t.test('If-Match names the version of a tag, anything with a star, nothing weakly', async t => {
  for (const header of [undefined, ' * ', '"3"', '"3-anything"', '"2", "3-x"']) t.ok(namesVersion(header, 3), header ?? 'no header')
  for (const header of ['', '3', '"33"', '"33-x"', '"x-3"', 'W/"3"', 'W/"3-x"']) t.notOk(namesVersion(header, 3), header)
})

t.test('a change is made under its conditions only', async t => {
  const there = { id: 'a' }
  const tag = entityTag(there)
  const code = 'precondition_failed'
  for (const [conditions, current] of [[{}, there], [{}, undefined], [{ ifMatch: tag }, there], [{ ifMatch: '*' }, there], [{ ifMatch: `"x", ${tag}` }, there], [{ ifNoneMatch: '*' }, undefined], [{ ifNoneMatch: '"x"' }, there]] as const) {
    t.doesNotThrow(() => requireConditions(conditions, current), JSON.stringify(conditions))
  }
  for (const [conditions, current] of [[{ ifMatch: '"x"' }, there], [{ ifMatch: `W/${tag}` }, there], [{ ifMatch: '*' }, undefined], [{ ifMatch: tag }, undefined], [{ ifNoneMatch: '*' }, there], [{ ifNoneMatch: `W/${tag}` }, there], [{ ifMatch: tag, ifNoneMatch: tag }, there]] as const) {
    t.throws(() => requireConditions(conditions, current), { code }, JSON.stringify(conditions))
  }
})
