package io.github.lora4j;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.stream.Stream;

/** Who may know whom. */
@AnalyzeClasses(packages = "io.github.lora4j", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  private static final String ROOT = "io.github.lora4j.";

  private static ArchRule mayKnow(String name, String... others) {
    String[] allowed =
        Stream.concat(
                Stream.of(others).map(other -> ROOT + other + ".."),
                Stream.of(
                    ROOT + name + "..",
                    ROOT + "error..",
                    ROOT + "internal..",
                    "java..",
                    "org.slf4j..",
                    "org.jspecify..",
                    "com.fasterxml.jackson..",
                    "me.tongfei.progressbar.."))
            .toArray(String[]::new);
    return classes()
        .that()
        .resideInAPackage(ROOT + name + "..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(allowed);
  }

  @ArchTest
  static final ArchRule onlyTensorsKnowTheNatives =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + "tensor..", ROOT + "internal.torch..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.bytedeco..", "com.sun.jna..");

  /** Else a user of the CPU would need org.bytedeco:cuda, which is optional. */
  @ArchTest
  static final ArchRule onlyTheCudaRouteKnowsCuda =
      noClasses()
          .that()
          .haveNameNotMatching(".*\\.internal\\.torch\\.Cuda(Module|Compiler)")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.bytedeco.cuda..", "org.bytedeco.pytorch.cuda..")
          .orShould()
          .dependOnClassesThat()
          .haveSimpleName("torch_cuda");

  @ArchTest
  static final ArchRule error =
      classes()
          .that()
          .resideInAPackage(ROOT + "error..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(ROOT + "error..", "java..", "org.jspecify..");

  @ArchTest static final ArchRule io = mayKnow("io", "tensor");

  @ArchTest static final ArchRule nn = mayKnow("nn", "tensor");

  @ArchTest static final ArchRule data = mayKnow("data");

  @ArchTest static final ArchRule model = mayKnow("model", "nn", "io", "tensor", "data");

  @ArchTest static final ArchRule peft = mayKnow("peft", "model", "nn", "io", "tensor", "data");

  @ArchTest
  static final ArchRule trainAndGenerateDoNotKnowAdapters =
      noClasses()
          .that()
          .resideInAnyPackage(ROOT + "train..", ROOT + "generate..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage(ROOT + "peft..");

  @ArchTest
  static final ArchRule packagesFormNoCycles =
      slices().matching("io.github.lora4j.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule nothingPrintsToStandardOutput =
      noClasses()
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err");

  @ArchTest
  static final ArchRule publicSignaturesNameNoThirdParty =
      methods()
          .that()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .arePublic()
          .should(onlyNameOwnTypes());

  private static ArchCondition<JavaMethod> onlyNameOwnTypes() {
    return new ArchCondition<>("only name types of Java and of this project") {
      @Override
      public void check(JavaMethod method, ConditionEvents events) {
        Stream.concat(Stream.of(method.getReturnType()), method.getParameterTypes().stream())
            .map(JavaType::toErasure)
            .map(JavaClass::getBaseComponentType)
            .filter(type -> !type.isPrimitive())
            .filter(type -> !type.getPackageName().startsWith("java."))
            .filter(type -> !type.getPackageName().startsWith("io.github.lora4j"))
            .forEach(
                type ->
                    events.add(
                        SimpleConditionEvent.violated(
                            method, method.getFullName() + " names " + type.getName())));
      }
    };
  }
}
