/** Links to next pages. */
import t from 'tap'
import { sendPage } from '../../routes/answers.ts'

function linkOf (url: string, nextCursor: string | null): string | undefined {
  let link: string | undefined
  sendPage({ header: (_name: string, value: string) => { link = value } } as never, { url } as never, { items: [], nextCursor })
  return link
}

t.test('the next page keeps the filters and replaces the cursor', async t => {
  t.equal(linkOf('/api/x?limit=2&cursor=old&q=a%26b', 'new'), '</api/x?limit=2&cursor=new&q=a%26b>; rel="next"')
  t.equal(linkOf('/api/x', 'new'), '</api/x?cursor=new>; rel="next"')
})

t.test('the last page has no link', async t => {
  t.equal(linkOf('/api/x?cursor=old', null), undefined)
})
