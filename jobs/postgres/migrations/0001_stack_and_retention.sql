ALTER TABLE "archived_jobs" ADD COLUMN "stack" text;--> statement-breakpoint
CREATE INDEX "archived_jobs_by_end" ON "archived_jobs" USING btree ("finished_at");