import { defineConfig } from 'drizzle-kit'

// npx drizzle-kit generate --config jobs/postgres/drizzle.config.ts --name <what it does>
export default defineConfig({
  dialect: 'postgresql',
  schema: './jobs/postgres/schema.ts',
  out: './jobs/postgres/migrations',
})
