/** The five operations every resource of the directory has, as route schemas. */
import { Type, type TSchema } from '@sinclair/typebox'
import { PageQuery } from '../openapi/schemas/common.ts'
import { IfMatchField, IfNoneMatchField } from '../openapi/schemas/headers.ts'
import { body, created, noContent, page, problem, problems, resource } from '../openapi/schemas/responses.ts'

export interface ResourceWords<Item extends TSchema, Body extends TSchema, Collection extends TSchema, One extends TSchema> {
  /** `ProjectWorkspace`: ends the operationIds. */
  name: string
  plural: string
  /** `a project workspace`, `project workspaces`. */
  one: string
  many: string
  /** What it is, and what a client should know when writing it. */
  about: string
  /** What holds a deletion up. */
  holders: string
  Item: Item
  Body: Body
  /** Path parameters of the collection and of one. */
  Collection: Collection
  One: One
}

const tags = ['directory']

const PutHeaders = Type.Object({ ...IfMatchField, ...IfNoneMatchField })
const DeleteHeaders = Type.Object(IfMatchField)

/** The schemas of list, create, put, get and delete. */
export function directorySchemas<Item extends TSchema, Body extends TSchema, Collection extends TSchema, One extends TSchema> (
  { name, plural, one, many, about, holders, Item, Body, Collection, One }: ResourceWords<Item, Body, Collection, One>
) {
  const title = one.replace(/^an? /, '')
  return {
    list: {
      operationId: `list${plural}`,
      tags,
      summary: `List ${many}`,
      description: 'Newest first.',
      params: Collection,
      querystring: PageQuery,
      response: { 200: page(Item, `A page of ${many}.`), ...problems(404) }
    },
    create: {
      operationId: `create${name}`,
      tags,
      summary: `Create ${one}`,
      description: `Makes the id; use PUT when it is yours. ${about}`,
      params: Collection,
      body: body(Body),
      response: { 201: created(Item, `The new ${title}.`), ...problems(404, 409, 422) }
    },
    put: {
      operationId: `put${name}`,
      tags,
      summary: `Create or replace ${one}`,
      description: `Idempotent; a field left out goes back to its default. ${about}`,
      params: One,
      headers: PutHeaders,
      body: body(Body),
      response: {
        200: resource(Item, `The ${title}, as it is now.`),
        201: created(Item, `The new ${title}.`),
        404: problem(404),
        409: problem(409, 'The id belongs to something else.'),
        412: problem(412, 'It is not as `If-Match` says, or is there although `If-None-Match` says that it must not be.'),
        422: problem(422)
      }
    },
    get: {
      operationId: `get${name}`,
      tags,
      summary: `Get ${one}`,
      description: about,
      params: One,
      response: { 200: resource(Item, `The ${title}.`), ...problems(404) }
    },
    remove: {
      operationId: `delete${name}`,
      tags,
      summary: `Delete ${one}`,
      description: `Refused while something live depends on it: ${holders}. What is over lets go of it.`,
      params: One,
      headers: DeleteHeaders,
      response: { 204: noContent('It is gone.'), 404: problem(404), 409: problem(409, `Still needed; \`detail\` and \`holders\` name by what: ${holders}.`), ...problems(412) }
    }
  }
}
