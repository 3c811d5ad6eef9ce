DROP INDEX "archived_jobs_of_user";--> statement-breakpoint
DROP INDEX "archived_jobs_by_time";--> statement-breakpoint
CREATE INDEX "archived_jobs_of_state" ON "archived_jobs" USING btree ("state","created_at");--> statement-breakpoint
CREATE INDEX "archived_jobs_of_type" ON "archived_jobs" USING btree (("search" || ' ' || "state"),"created_at");--> statement-breakpoint
CREATE INDEX "archived_jobs_of_user" ON "archived_jobs" USING btree (("user_id" || ' ' || "state"),"created_at");--> statement-breakpoint
CREATE INDEX "archived_jobs_of_user_and_type" ON "archived_jobs" USING btree (("user_id" || ' ' || "search" || ' ' || "state"),"created_at");