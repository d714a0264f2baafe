// Swagger UI without its usual page, which needs inline scripts and styles that our Content-Security-Policy refuses.
const { SwaggerUIBundle } = window;

SwaggerUIBundle({
  dom_id: '#docs',
  url: '/openapi.json',
  layout: 'BaseLayout',
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // A token in the browser's storage would outlive the tab.
  persistAuthorization: false,
});
