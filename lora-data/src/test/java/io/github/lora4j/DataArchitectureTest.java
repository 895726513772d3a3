package io.github.lora4j;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.conditions.ArchConditions.be;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Holds the arrows of this module: see the architecture page. */
@AnalyzeClasses(
    packages = {
      "io.github.lora4j.text",
      "io.github.lora4j.dataset",
      "io.github.lora4j.internal.jinja"
    },
    importOptions = ImportOption.DoNotIncludeTests.class)
class DataArchitectureTest {

  private static final String JINJA = "io.github.lora4j.internal.jinja..";

  private static final String[] OWN = {
    "io.github.lora4j.text..", "io.github.lora4j.dataset..", JINJA
  };

  private static final DescribedPredicate<JavaClass> FOREIGN =
      resideOutsideOfPackages("java..", "io.github.lora4j..", "org.jspecify..");

  @ArchTest
  static final ArchRule ofOursOnlyDataErrorAndTheHubAreUsed =
      noClasses()
          .that()
          .resideInAnyPackage(OWN)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("io.github.lora4j..")
                  .and(
                      resideOutsideOfPackages(
                          "io.github.lora4j.text..",
                          "io.github.lora4j.dataset..",
                          JINJA,
                          "io.github.lora4j.data..",
                          "io.github.lora4j.io.hub..",
                          "io.github.lora4j.error..")));

  @ArchTest
  static final ArchRule datasetKnowsNeitherTextNorTheHub =
      noClasses()
          .that()
          .resideInAPackage("io.github.lora4j.dataset..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.github.lora4j.text..", "io.github.lora4j.io..");

  /** Templates are not trusted: what runs them knows no reflection and no files. */
  @ArchTest
  static final ArchRule jinjaKnowsOnlyJavaAndJinjava =
      classes()
          .that()
          .resideInAPackage(JINJA)
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage(
                      JINJA, "java..", "org.jspecify..", "com.hubspot.jinjava..", "jinjava..")
                  .and(
                      resideOutsideOfPackages(
                          "java.lang.reflect..", "java.io..", "java.nio.file..")));

  @ArchTest
  static final ArchRule onlyJinjaTouchesJinjava =
      noClasses()
          .that()
          .resideOutsideOfPackage(JINJA)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("com.hubspot..", "jinjava..");

  @ArchTest
  static final ArchRule oneClassTouchesDjl =
      classes()
          .that(
              describe(
                  "use DJL",
                  type ->
                      type.getDirectDependenciesFromSelf().stream()
                          .anyMatch(d -> d.getTargetClass().getPackageName().startsWith("ai.djl"))))
          .should()
          .haveSimpleName("NativeTokenizer");

  @ArchTest
  static final ArchRule noTensorsHere =
      noClasses()
          .that()
          .resideInAnyPackage(OWN)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.bytedeco..");

  @ArchTest
  static final ArchRule publicSignaturesShowNoForeignType =
      noCodeUnits()
          .that()
          .areDeclaredInClassesThat()
          .arePublic()
          .and()
          .arePublic()
          .should(be(describe("showing a foreign type", DataArchitectureTest::showsForeignType)));

  private static boolean showsForeignType(JavaCodeUnit unit) {
    return FOREIGN.test(unit.getRawReturnType().getBaseComponentType())
        || unit.getRawParameterTypes().stream()
            .anyMatch(type -> FOREIGN.test(type.getBaseComponentType()));
  }

  @ArchTest
  static final ArchRule publicClassesAreFinal =
      classes()
          .that()
          .arePublic()
          .and()
          .areNotInterfaces()
          .should()
          .haveModifier(JavaModifier.FINAL);

  @ArchTest
  static final ArchRule noStaticMutableState = fields().that().areStatic().should().beFinal();

  @ArchTest
  static final ArchRule noCycles =
      slices().matching("io.github.lora4j.(*)..").should().beFreeOfCycles();
}
