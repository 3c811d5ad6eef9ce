import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { createApiKey } from '#server/accounts/api-keys.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import { accountsMigrations } from '#server/accounts/migrations.ts'
import { log } from '../measure.ts'
import type { BenchEnvironment } from './contender.ts'

/** Creates an account with an API key on the benchmark's services. */
export async function prepareEnvironment({
  redis,
  database,
}: {
  redis: string
  database: string
}): Promise<BenchEnvironment> {
  await migrateDatabase(database, accountsMigrations)
  const postgres = connectPostgres(database, { name: 'bench', log })
  try {
    const account = {
      email: 'bench@example.com',
      password: 'correct horse battery',
      role: 'user' as const,
    }
    const settings = {
      secret: 'a secret that only this benchmark knows',
      publicUrl: 'http://localhost',
    }
    const { userId } = await createAccount(account, { db: postgres.db, settings })
    const { key } = await createApiKey({ userId, name: 'bench', expiresAt: null }, postgres.db)
    return { redis, database, userId, apiKey: key }
  } finally {
    await postgres.close()
  }
}
