import { type DuckDBValue, listValue } from '@duckdb/node-api'
import { isCodeHost } from '../pages/web-address.ts'

/** Several sites that links lead to, in the order that gives each its number `n`, from 1. */
export interface ManyTargets {
  values: Record<string, DuckDBValue>
  /** Common table expressions: `targets` with `n` and `target`. */
  targets: string
  /**
   * Selects the rows that lead to one of the targets from another site, each with its `n`.
   * @param files the parameter that lists the files
   * @param columns of the files
   * @param where a further condition
   */
  rows(files: string, columns: string, where?: string): string
}

/** @param sites as in `LinkTarget`; a whole code host includes the sites of its owners */
export function manyTargets(sites: readonly string[]): ManyTargets {
  const targets = `
    targets AS (SELECT unnest($sites) AS target, generate_subscripts($sites, 1)::INTEGER AS n)`
  const select = (files: string, columns: string, where: string, site: string) => `
    SELECT n, ${columns} FROM read_parquet(${files}) JOIN targets ON target = ${site}
    WHERE ${where} AND source_site <> target AND NOT starts_with(source_site, concat(target, '/'))`
  return {
    values: { sites: listValue([...sites]) },
    targets,
    rows(files, columns, where = 'true') {
      const whole = select(files, columns, where, 'target_site')
      if (!sites.some(isCodeHost)) return whole
      const ofOwners = `contains(target_site, '/') AND ${where}`
      return `${whole} UNION ALL ${select(files, columns, ofOwners, "split_part(target_site, '/', 1)")}`
    },
  }
}
