/** The program that pretrained the tiny model of the quickstart. */
@NullMarked
package io.github.lora4j.examples.pretrain;

import org.jspecify.annotations.NullMarked;
