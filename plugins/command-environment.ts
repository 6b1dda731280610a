/** What commands are run with, made of the settings, in the same way for all plugins that run some. */
import type { FastifyInstance } from 'fastify'
import { createEnvironmentBuilder, type EnvironmentBuilder } from '../services/process/environment.ts'
import { createFolderRule } from '../services/process/folder-rule.ts'

/** Ask after `config`, `launch` and `child-user` have been registered. */
export function commandEnvironmentOf ({ config, launch, children }: FastifyInstance): EnvironmentBuilder {
  const { commandEnvNames, envPrefix: prefix } = config
  return createEnvironmentBuilder({ hostEnv: process.env, commandEnvNames, prefix, folderRule: createFolderRule(config), launch, user: children.user })
}
