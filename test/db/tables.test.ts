/** The table types and the live schema say the same. */
import { sql } from 'kysely'
import t from 'tap'
import ts from 'typescript'
import { onBothDatabases } from '../fixtures/database.ts'
import { checkout } from '../fixtures/state-dir.ts'

/** A column in the words both sides share. */
interface Column {
  /** What a read gives: string, number, boolean, Date or json. */
  kind: string
  nullable: boolean
  /** May be left out when a row is written. */
  optional: boolean
  /** Of a closed enumeration; else empty. */
  values: string[]
}

type Schema = Record<string, Record<string, Column>>

/** Lets the compiler work out what Kysely makes of every table type. */
function declaredSchema (): Schema {
  const file = `${checkout}test/db/rows-of-every-table.ts`
  const source = `import type { NewRow, Row, Tables } from '../../db/tables.ts'
    export type Read = { [T in keyof Tables]: Row<T> }
    export type Written = { [T in keyof Tables]: NewRow<T> }`
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(`${checkout}tsconfig.json`, ts.sys.readFile).config, ts.sys, checkout)
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = name => name === file || fileExists(name)
  host.getSourceFile = (name, ...rest) => name === file ? ts.createSourceFile(file, source, ts.ScriptTarget.ES2024) : getSourceFile(name, ...rest)
  const program = ts.createProgram([file], options, host)
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!
  const exported = new Map(checker.getExportsOfModule(module).map(symbol => [symbol.name, checker.getDeclaredTypeOfSymbol(symbol)]))

  const kindOf = (type: ts.Type): string => {
    if (type.flags & ts.TypeFlags.StringLike) return 'string'
    if (type.flags & ts.TypeFlags.NumberLike) return 'number'
    if (type.flags & ts.TypeFlags.BooleanLike) return 'boolean'
    return type.symbol?.name === 'Date' ? 'Date' : 'json'
  }
  const columnOf = (read: ts.Symbol, written: ts.Symbol): Column => {
    const type = checker.getTypeOfSymbol(read)
    const parts = type.isUnion() ? type.types : [type]
    const present = parts.filter(part => !(part.flags & ts.TypeFlags.Null))
    return {
      kind: [...new Set(present.map(kindOf))].join(' or '),
      nullable: present.length < parts.length,
      optional: (written.flags & ts.SymbolFlags.Optional) !== 0,
      values: present.flatMap(part => part.isStringLiteral() ? [part.value] : []).sort()
    }
  }
  return Object.fromEntries(exported.get('Read')!.getProperties().map(table => {
    const writable = checker.getTypeOfSymbol(exported.get('Written')!.getProperty(table.name)!)
    const columns = checker.getTypeOfSymbol(table).getProperties()
      .map(column => [column.name, columnOf(column, writable.getProperty(column.name)!)] as const)
    return [table.name, Object.fromEntries(columns)]
  }))
}

// What `pg` makes of each type.
const kinds: Record<string, string> = {
  uuid: 'string', text: 'string', int8: 'string', xid8: 'string', pg_snapshot: 'string', int4: 'number', bool: 'boolean', timestamptz: 'Date', jsonb: 'json'
}

const declared = declaredSchema()

await onBothDatabases(t, 'every column has the type, nullability, default and enumeration that its table type says', async (t, { db }) => {
  const { rows: columns } = await sql<{ table: string, name: string, type: string, nullable: boolean, optional: boolean }>`
    select table_name as table, column_name as name, udt_name as type, is_nullable = 'YES' as nullable,
      is_nullable = 'YES' or column_default is not null or is_identity = 'YES' as optional
    from information_schema.columns where table_schema = 'public' and table_name not like 'kysely_%'`.execute(db)
  const { rows: checks } = await sql<{ table: string, column: string, definition: string }>`
    select c.conrelid::regclass::text as table, a.attname as column, pg_get_constraintdef(c.oid) as definition
    from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'c' and array_length(c.conkey, 1) = 1`.execute(db)

  const live: Schema = {}
  for (const { table, name, type, nullable, optional } of columns) {
    (live[table] ??= {})[name] = { kind: kinds[type] ?? type, nullable, optional, values: [] }
  }
  for (const { table, column, definition } of checks) {
    const found = live[table]?.[column]
    if (found !== undefined) found.values = [...definition.matchAll(/'([^']*)'::text/g)].map(match => match[1] ?? '').sort()
  }
  t.ok(Object.keys(live).length >= 16)
  t.strictSame(live, declared)
})
