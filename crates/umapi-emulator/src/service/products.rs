use http::StatusCode;

use super::call::Call;
use super::legacy_users;
use super::paging::Paging;
use super::refusals::{self, Shape, not_found, refuse};
use super::shapes::{ConfigurationShape, Configurations, ProductConfigurationsShape, ProductShape, Products};
use crate::engine::{Rejection, legacy};
use crate::http::Answer;
use crate::store::{Configuration, Product, StoreError};

/// `GET /{orgId}/products`.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, StoreError> {
    let request = call.query_page(call.world.settings.pages.legacy_lists);
    let page = call.world.store.read(|reader| reader.products(call.org.id, request))?;
    Ok(Paging::of(&page).on(Answer::json(StatusCode::OK, &Products(&page.items))))
}

/// `GET /{orgId}/products/{productId}`.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, StoreError> {
    Ok(match find(call)? {
        Some(product) => Answer::json(StatusCode::OK, &ProductShape::of(&product)),
        None => product_not_found(call),
    })
}

/// `POST /{orgId}/products/{productId}` and `…/admin`.
pub(super) fn update_admins(call: &Call<'_>) -> Answer {
    let admins = legacy::body(&call.request.body);
    let updated = admins.and_then(|admins| {
        legacy::update_product_admins(&call.world.store, &call.legacy(), call.path("productId"), &admins)
    });
    match updated {
        Ok(product) => Answer::json(StatusCode::OK, &ProductShape::of(&product)),
        Err(failure) => refusals::legacy(failure),
    }
}

/// `GET /{orgId}/products/{productId}/configurations`.
pub(super) fn list_configurations(call: &Call<'_>) -> Result<Answer, StoreError> {
    let request = call.query_page(call.world.settings.pages.legacy_lists);
    let Some(product) = find(call)? else { return Ok(product_not_found(call)) };
    let page = call.world.store.read(|reader| reader.configurations(&product, request))?;
    let body = ProductConfigurationsShape {
        product: ProductShape::of(&product),
        license_configurations: Configurations(&page.items),
    };
    Ok(Paging::of(&page).on(Answer::json(StatusCode::OK, &body)))
}

/// `GET /{orgId}/products/{productId}/configurations/{configId}`.
pub(super) fn get_configuration(call: &Call<'_>) -> Result<Answer, StoreError> {
    with_configuration(call, |configuration| Ok(show(configuration)))
}

/// `POST /{orgId}/products/{productId}/configurations/{configId}`.
pub(super) fn update_configuration(call: &Call<'_>) -> Answer {
    let rights = legacy::body(&call.request.body);
    let (product, configuration) = (call.path("productId"), call.path("configId"));
    let updated = rights.and_then(|rights| {
        legacy::update_configuration(&call.world.store, &call.legacy(), product, configuration, &rights)
    });
    updated.map_or_else(refusals::legacy, |configuration| show(&configuration))
}

/// `GET …/configurations/{configId}/users`.
pub(super) fn list_users(call: &Call<'_>) -> Result<Answer, StoreError> {
    with_configuration(call, |configuration| members(call, configuration.group))
}

/// `GET …/configurations/{configId}/admins`.
pub(super) fn list_admins(call: &Call<'_>) -> Result<Answer, StoreError> {
    with_configuration(call, |configuration| members(call, configuration.admin_group))
}

fn members(call: &Call<'_>, group: i64) -> Result<Answer, StoreError> {
    Ok(legacy_users::members(call, group)?.unwrap_or_else(configuration_not_found))
}

fn find(call: &Call<'_>) -> Result<Option<Product>, StoreError> {
    call.world.store.read(|reader| reader.product(call.org.id, call.path("productId")))
}

fn with_configuration(
    call: &Call<'_>,
    then: impl FnOnce(&Configuration) -> Result<Answer, StoreError>,
) -> Result<Answer, StoreError> {
    let Some(product) = find(call)? else { return Ok(product_not_found(call)) };
    match call.world.store.read(|reader| reader.configuration(&product, call.path("configId")))? {
        Some(configuration) => then(&configuration),
        None => Ok(configuration_not_found()),
    }
}

fn show(configuration: &Configuration) -> Answer {
    Answer::json(StatusCode::OK, &ConfigurationShape::of(configuration))
}

fn configuration_not_found() -> Answer {
    not_found("PLC_NOT_FOUND")
}

/// The documentation shows no code for a product that is not there: the one that the writes answer with.
fn product_not_found(call: &Call<'_>) -> Answer {
    let message = format!("Product {} was not found", call.path("productId"));
    refuse(Shape::Code, 404, &Rejection::new("error.command.product.not_found", message))
}
