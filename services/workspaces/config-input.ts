/** Checks a config that comes inside `metadata`, where no route's schema looks. */
import { Ajv } from 'ajv'
import { WorkspaceConfigPatch } from '../../openapi/schemas/workspace-config.ts'
import type { JsonObject } from '../../db/tables.ts'
import { InvalidInput } from '../errors.ts'

const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile<WorkspaceConfigPatch>(WorkspaceConfigPatch)

/**
 * The config a client's metadata holds: undefined when it holds none, null when it clears it.
 * @throws InvalidInput (400) with pointers below `/metadata/config`
 */
export function configInMetadata (metadata: JsonObject | null | undefined): WorkspaceConfigPatch | null | undefined {
  if (metadata === null || metadata === undefined || !Object.hasOwn(metadata, 'config')) return undefined
  const config: unknown = metadata['config']
  if (config === null) return null
  if (validate(config)) return config
  const errors = (validate.errors ?? []).map(({ instancePath, keyword, params, message }) => ({
    pointer: `/metadata/config${instancePath}${keyword === 'additionalProperties' ? `/${pointerPart(String(params['additionalProperty']))}` : ''}`,
    message: keyword === 'additionalProperties' ? 'is not a known field' : message ?? 'is not valid'
  }))
  throw new InvalidInput(`The config in metadata is not valid: ${errors[0]?.pointer} ${errors[0]?.message}.`, { members: { errors } })
}

function pointerPart (name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
