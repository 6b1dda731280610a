/** Column types that many tables share. */
import type { ColumnType } from 'kysely'

/** jsonb: read as a value, written as JSON text (drivers disagree about arrays otherwise). */
export type Json<T> = ColumnType<T, string, string>
export type JsonOrNull<T> = ColumnType<T | null, string | null | undefined, string | null>
/** timestamptz with a default. */
export type Stamp = ColumnType<Date, Date | undefined, Date>
/** int8, a string as `pg` gives it. */
export type BigIntText = ColumnType<string, string | number | bigint | undefined, string | number | bigint>
export type BigIntOrNull = ColumnType<string | null, string | number | bigint | null | undefined, string | number | bigint | null>
export type JsonObject = Record<string, unknown>
