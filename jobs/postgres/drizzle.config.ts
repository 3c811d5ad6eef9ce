import { defineConfig } from 'drizzle-kit'

// npx drizzle-kit generate --config jobs/postgres/drizzle.config.ts --name <change>
export default defineConfig({
  dialect: 'postgresql',
  schema: './jobs/postgres/schema.ts',
  out: './jobs/postgres/migrations',
})
