CREATE INDEX "archived_jobs_of_state" ON "archived_jobs" USING btree ("state","created_at","id");--> statement-breakpoint
CREATE INDEX "archived_jobs_of_type" ON "archived_jobs" USING btree ("search","state","created_at","id");--> statement-breakpoint
CREATE INDEX "archived_jobs_of_user_and_state" ON "archived_jobs" USING btree ("user_id","state","created_at","id");--> statement-breakpoint
CREATE INDEX "archived_jobs_of_user_and_type" ON "archived_jobs" USING btree ("user_id","search","state","created_at","id");