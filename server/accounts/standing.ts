import { sql } from 'drizzle-orm'
import { user } from './schema.ts'

export type Role = 'admin' | 'user'

/** better-auth keeps roles as a list with commas. */
export function roleOf(roles: string | null | undefined): Role {
  return roles?.split(',').includes('admin') ? 'admin' : 'user'
}

export interface Suspension {
  banned?: boolean | null
  /** Null: for good. */
  banExpires?: Date | null
}

/** A suspension may have an end; better-auth lifts it only when that user signs in next. */
export function isBanned({ banned, banExpires }: Suspension, now: Date): boolean {
  return banned === true && (banExpires == null || banExpires > now)
}

/** The same in a query, by the database's clock. */
export const notBanned = sql`(${user.banned} is not true or ${user.banExpires} <= now())`
