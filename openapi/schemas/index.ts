/** Every schema that has a name of its own in the OpenAPI document. */
import type { TSchema } from '@sinclair/typebox'
import * as adapterService from './adapter-service.ts'
import * as apiKey from './api-key.ts'
import * as directory from './directory.ts'
import * as event from './event.ts'
import * as explain from './explain.ts'
import * as lease from './lease.ts'
import * as operation from './operation.ts'
import * as problem from './problem.ts'
import * as readiness from './readiness.ts'
import * as rescue from './rescue.ts'
import * as runtime from './runtime.ts'
import * as service from './service.ts'
import * as sweep from './sweep.ts'
import * as webhook from './webhook.ts'
import * as workspace from './workspace.ts'
import * as workspaceConfig from './workspace-config.ts'

function isNamed (value: unknown): value is TSchema & { $id: string } {
  return typeof value === 'object' && value !== null && '$id' in value && typeof value.$id === 'string'
}

/** All exported schemas with an `$id`, in the order of their files: a new one needs no registration. */
export const components: (TSchema & { $id: string })[] = [problem, directory, workspaceConfig, workspace, runtime, lease, adapterService, operation, event, webhook, apiKey, readiness, explain, rescue, sweep, service]
  .flatMap(module => Object.values<unknown>(module).filter(isNamed))
