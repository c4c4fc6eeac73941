//! Products, and their profiles as the deprecated endpoints show them.

use rusqlite::{OptionalExtension, Row, params};

use super::{
    GroupId, GroupKind, OrgId, Page, PageRequest, ProductId, Reader, StoreError, Tx, fold,
    lists::{PageSlice, as_i64},
    names::{external_product_id, organization_part},
};

/// A product as the deprecated endpoints return it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Product {
    /// Its id inside the store.
    pub id: ProductId,
    /// `id`.
    pub external_id: String,
    /// `code`.
    pub code: String,
    /// `name`.
    pub name: String,
    /// `licenseQuota`.
    pub quota: Option<i64>,
    /// `userCount`: the users of all its profiles.
    pub user_count: i64,
    /// `configurationCount`: the number of its profiles.
    pub configuration_count: i64,
    /// The group of its administrators.
    pub admins: GroupId,
}

/// A product to create.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewProduct<'a> {
    /// Its name.
    pub name: &'a str,
    /// The service's id for it; computed if `None`.
    pub external_id: Option<&'a str>,
    /// Its code.
    pub code: &'a str,
    /// How many licenses were bought.
    pub quota: Option<i64>,
}

/// A profile as the deprecated endpoints return it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Configuration {
    /// `id`.
    pub external_id: String,
    /// `licenseGroupId`: the group id of the profile.
    pub group: GroupId,
    /// Its name.
    pub name: String,
    /// `adminGroupId`.
    pub admin_group: GroupId,
    /// `adminCount`.
    pub admin_count: i64,
    /// `userCount`.
    pub user_count: i64,
    /// `licenseQuota`; `None` is unlimited.
    pub quota: Option<i64>,
    /// `orgId`.
    pub org_id: String,
    /// `productId`.
    pub product_id: String,
}

const PRODUCT: &str = "SELECT p.id, p.external_id, p.code, p.name, p.quota, p.users,
    (SELECT COUNT(*) FROM grp g WHERE g.subject = p.id AND g.kind = 1), p.admins FROM product p";

fn read(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product {
        id: row.get(0)?,
        external_id: row.get(1)?,
        code: row.get(2)?,
        name: row.get(3)?,
        quota: row.get(4)?,
        user_count: row.get(5)?,
        configuration_count: row.get(6)?,
        admins: row.get(7)?,
    })
}

const CONFIGURATION: &str = "SELECT g.id, g.name, a.id, a.members, g.members, g.quota, o.org_id, p.external_id
    FROM grp g JOIN grp a ON a.id = g.admins JOIN product p ON p.id = g.subject JOIN organization o ON o.id = g.org";

fn read_configuration(row: &Row<'_>) -> rusqlite::Result<Configuration> {
    let group: GroupId = row.get(0)?;
    Ok(Configuration {
        external_id: format!("{CONFIGURATION_PREFIX}{group}"),
        group,
        name: row.get(1)?,
        admin_group: row.get(2)?,
        admin_count: row.get(3)?,
        user_count: row.get(4)?,
        quota: row.get(5)?,
        org_id: row.get(6)?,
        product_id: row.get(7)?,
    })
}

/// The prefix of a configuration id; the rest is the group id.
const CONFIGURATION_PREFIX: &str = "RGRP-";

impl Reader<'_> {
    /// Returns a page of the products of an organization; past the end, the last page.
    ///
    /// # Errors
    /// If the database fails.
    pub fn products(&self, org: OrgId, page: PageRequest) -> Result<Page<Product>, StoreError> {
        let total: i64 = self
            .sql
            .prepare_cached("SELECT COUNT(*) FROM product WHERE org = ?1")?
            .query_row([org], |row| row.get(0))?;
        let slice = PageSlice::find(page, total.unsigned_abs());
        let mut query =
            self.sql.prepare_cached(&format!("{PRODUCT} WHERE p.org = ?1 ORDER BY p.id LIMIT ?2 OFFSET ?3"))?;
        let products = query.query_map(params![org, as_i64(slice.size), as_i64(slice.offset)], read)?;
        Ok(slice.page(products.collect::<Result<_, _>>()?, total.unsigned_abs()))
    }

    /// Returns all products of an organization.
    ///
    /// # Errors
    /// If the database fails.
    pub fn products_of(&self, org: OrgId) -> Result<Vec<Product>, StoreError> {
        Ok(self.products(org, PageRequest { page: 0, size: u64::MAX })?.items)
    }

    /// Returns the product with this id of the service.
    ///
    /// # Errors
    /// If the database fails.
    pub fn product(&self, org: OrgId, external_id: &str) -> Result<Option<Product>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!("{PRODUCT} WHERE p.org = ?1 AND p.external_id = ?2"))?
            .query_row(params![org, external_id], read)
            .optional()?)
    }

    /// Returns a product by its id inside the store.
    pub(crate) fn product_row(&self, org: OrgId, id: ProductId) -> Result<Option<Product>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!("{PRODUCT} WHERE p.org = ?1 AND p.id = ?2"))?
            .query_row(params![org, id], read)
            .optional()?)
    }

    /// Returns the product with this name, ignoring case.
    ///
    /// # Errors
    /// If the database fails.
    pub fn product_by_name(&self, org: OrgId, name: &str) -> Result<Option<Product>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!("{PRODUCT} WHERE p.org = ?1 AND p.key = ?2"))?
            .query_row(params![org, fold(name)], read)
            .optional()?)
    }

    /// Returns a page of the configurations (profiles) of a product; past the end, the last page.
    ///
    /// # Errors
    /// If the database fails.
    pub fn configurations(&self, product: &Product, page: PageRequest) -> Result<Page<Configuration>, StoreError> {
        let total = product.configuration_count.unsigned_abs();
        let slice = PageSlice::find(page, total);
        let mut query = self.sql.prepare_cached(&format!(
            "{CONFIGURATION} WHERE g.subject = ?1 AND g.kind = 1 ORDER BY g.id LIMIT ?2 OFFSET ?3"
        ))?;
        let found =
            query.query_map(params![product.id, as_i64(slice.size), as_i64(slice.offset)], read_configuration)?;
        Ok(slice.page(found.collect::<Result<_, _>>()?, total))
    }

    /// Returns one configuration (profile) of a product by its id, e.g. `RGRP-40000012`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn configuration(&self, product: &Product, external_id: &str) -> Result<Option<Configuration>, StoreError> {
        let Some(group) = external_id.strip_prefix(CONFIGURATION_PREFIX).and_then(|id| id.parse::<GroupId>().ok())
        else {
            return Ok(None);
        };
        Ok(self
            .sql
            .prepare_cached(&format!("{CONFIGURATION} WHERE g.id = ?1 AND g.subject = ?2 AND g.kind = 1"))?
            .query_row([group, product.id], read_configuration)
            .optional()?)
    }
}

impl Tx<'_> {
    /// Creates a product, and the group of its administrators.
    ///
    /// # Errors
    /// If the database fails, or the name or the id is taken.
    pub fn create_product(&mut self, org: OrgId, new: &NewProduct<'_>) -> Result<ProductId, StoreError> {
        let org_id = self.rows().org_id(org)?;
        let key = fold(new.name);
        let made_up;
        let external_id = match new.external_id {
            Some(external_id) => external_id,
            None => {
                made_up = external_product_id(organization_part(&org_id), &key);
                &made_up
            }
        };
        self.sql
            .prepare_cached(
                "INSERT INTO product (org, external_id, code, name, key, quota, admins) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
            )?
            .execute(params![org, external_id, new.code, new.name, key, new.quota])?;
        let product = self.sql.last_insert_rowid();
        let admins = self.insert_derived(org, GroupKind::ProductAdmin, new.name, product)?;
        self.sql.prepare_cached("UPDATE product SET admins = ?2 WHERE id = ?1")?.execute([product, admins])?;
        Ok(product)
    }

    /// Sets how many licenses of a product were bought. Only the quota of each profile has an effect.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_product_quota(&self, product: ProductId, quota: Option<i64>) -> Result<(), StoreError> {
        self.sql.prepare_cached("UPDATE product SET quota = ?2 WHERE id = ?1")?.execute(params![product, quota])?;
        Ok(())
    }
}
