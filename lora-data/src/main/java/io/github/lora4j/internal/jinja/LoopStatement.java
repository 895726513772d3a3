package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A loop.
 *
 * @param test what an element must pass, null for all
 * @param otherwise what is done if there is no element
 */
record LoopStatement(
    Target target,
    Expression elements,
    @Nullable Expression test,
    List<Statement> body,
    List<Statement> otherwise)
    implements Statement {

  @Override
  public Flow execute(Frame frame) {
    List<Object> all = Sequences.elements(frame.run, elements.evaluate(frame));
    List<Object> chosen = test == null ? all : choose(frame, all, test);
    if (chosen.isEmpty()) {
      return Block.execute(otherwise, frame.inner());
    }
    Loop loop = new Loop(chosen, frame.get("loop") instanceof Loop outer ? outer.depth() + 1 : 1);
    for (int i = 0; i < chosen.size(); i++) {
      frame.run.budget.step();
      loop.moveTo(i);
      Frame inside = frame.inner();
      inside.set("loop", loop);
      target.assign(inside, chosen.get(i));
      if (Block.execute(body, inside) == Flow.BREAK) {
        break;
      }
    }
    return Flow.NEXT;
  }

  private List<Object> choose(Frame frame, List<Object> all, Expression condition) {
    List<Object> chosen = new ArrayList<>();
    for (Object element : all) {
      frame.run.budget.step();
      Frame inside = frame.inner();
      target.assign(inside, element);
      if (Types.isTrue(condition.evaluate(inside))) {
        chosen.add(element);
      }
    }
    return chosen;
  }
}
