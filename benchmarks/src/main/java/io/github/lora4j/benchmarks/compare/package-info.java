/**
 * Times LoRA4J and PEFT on the same work in one run.
 *
 * <p>{@link io.github.lora4j.benchmarks.compare.Compare} starts a fresh process for every
 * measurement: {@link io.github.lora4j.benchmarks.compare.CaseRunner} on our side, a script of
 * {@code benchmarks/python} on theirs. Each reads a {@link
 * io.github.lora4j.benchmarks.compare.Task} as JSON and prints its measurements as one line of
 * JSON.
 */
@NullMarked
package io.github.lora4j.benchmarks.compare;

import org.jspecify.annotations.NullMarked;
