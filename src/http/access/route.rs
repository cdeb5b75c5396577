//! Routes that say which role they need.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, delete, get, post, put};

use super::Operator;
use super::operator::sign_in_first;
use crate::http::problem::Problem;
use crate::model::Role;

/// A method of a path, who may use it, and what it does. The role is checked before anything else of the request is
/// looked at.
pub struct Route<S> {
    method: Method,
    path: &'static str,
    role: Role,
    handler: MethodRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// A GET (and HEAD).
    pub fn get<H: Handler<T, S>, T: 'static>(path: &'static str, role: Role, handler: H) -> Self {
        Self::new(Method::GET, path, role, get(handler))
    }

    /// A POST.
    pub fn post<H: Handler<T, S>, T: 'static>(path: &'static str, role: Role, handler: H) -> Self {
        Self::new(Method::POST, path, role, post(handler))
    }

    /// A PUT.
    pub fn put<H: Handler<T, S>, T: 'static>(path: &'static str, role: Role, handler: H) -> Self {
        Self::new(Method::PUT, path, role, put(handler))
    }

    /// A DELETE.
    pub fn delete<H: Handler<T, S>, T: 'static>(
        path: &'static str,
        role: Role,
        handler: H,
    ) -> Self {
        Self::new(Method::DELETE, path, role, delete(handler))
    }

    fn new(method: Method, path: &'static str, role: Role, handler: MethodRouter<S>) -> Self {
        let check = from_fn(move |request: Request, next: Next| checked(role, request, next));
        Self { method, path, role, handler: handler.route_layer(check) }
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Its path, with `{names}`.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Who may use it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The same, with another limit for the body or for the time.
    #[must_use]
    pub fn map(self, change: impl FnOnce(MethodRouter<S>) -> MethodRouter<S>) -> Self {
        Self { handler: change(self.handler), ..self }
    }
}

/// A router of them.
pub fn routes<S: Clone + Send + Sync + 'static>(table: Vec<Route<S>>) -> Router<S> {
    let add = |router: Router<S>, route: Route<S>| router.route(route.path, route.handler);
    table.into_iter().fold(Router::new(), add)
}

async fn checked(role: Role, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match parts.extensions.get::<Operator>() {
        None => sign_in_first(&parts),
        Some(operator) if !operator.may(role) => {
            let told = format!("this is for the role {role}, and you have {}", operator.role);
            Problem::new(StatusCode::FORBIDDEN, told).into_response()
        }
        Some(_) => next.run(Request::from_parts(parts, body)).await,
    }
}
