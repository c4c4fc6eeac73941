// The annotation of generated code, which the JDK no longer has. A real project depends on jakarta.annotation-api.
package javax.annotation;

public @interface Generated {
  String[] value();

  String comments() default "";
}
