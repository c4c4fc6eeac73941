// Imported by the generated login client, which never uses it. A real project depends on org.apache.httpcomponents:httpmime.
package org.apache.http.entity.mime;

public final class MultipartEntityBuilder {
  private MultipartEntityBuilder() {}
}
