import { fileURLToPath } from 'node:url'
import type { Migrations } from '#jobs/postgres/migrate.ts'

export const accountsMigrations: Migrations = {
  folder: fileURLToPath(new URL('./migrations', import.meta.url)),
  table: 'accounts_migrations',
}
