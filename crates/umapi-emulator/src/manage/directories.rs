//! Directories, their domains, and the organizations that are trusted with them.

use super::{Manage, ManageError, organization};
use crate::{
    engine::provision,
    seed,
    store::{self, Organization, Reader, fold},
};

fn find(r: &Reader<'_>, org: &Organization, name: &str) -> Result<store::Directory, ManageError> {
    let found = r.directories(org.id)?.into_iter().find(|directory| fold(&directory.name) == fold(name));
    found.ok_or_else(|| ManageError::not_found("emulator.directory.unknown", format!("Directory {name} was not found")))
}

fn show(r: &Reader<'_>, org: &Organization, name: &str) -> Result<seed::Directory, ManageError> {
    Ok(seed::directory_seed(r, find(r, org, name)?)?)
}

impl Manage {
    /// The directories that an organization owns.
    ///
    /// # Errors
    /// If the organization does not exist.
    pub fn directories(&self, org_id: &str) -> Result<Vec<seed::Directory>, ManageError> {
        self.read(org_id, |r, org| {
            let directories = r.directories(org.id)?.into_iter();
            Ok(directories.map(|directory| seed::directory_seed(r, directory)).collect::<Result<_, _>>()?)
        })
    }

    /// A directory by its name, without regard to case.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn directory(&self, org_id: &str, name: &str) -> Result<seed::Directory, ManageError> {
        self.read(org_id, |r, org| show(r, org, name))
    }

    /// Creates a directory that claims domains.
    ///
    /// ```
    /// use umapi_emulator::{
    ///     Emulator,
    ///     seed::{Directory, DirectoryType, Domain, DomainClaim, Login, Organization},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::start().await?;
    /// let (manage, org) = (emulator.manage(), emulator.org_id());
    /// let partner = Organization { id: "67890@AdobeOrg".to_owned(), ..Default::default() };
    /// manage.create_organization(&partner)?;
    ///
    /// let staff = Directory {
    ///     name: "Staff".to_owned(),
    ///     directory_type: DirectoryType::Federated,
    ///     login: Login::Email,
    ///     synced: false,
    ///     domains: vec![Domain::Claim(DomainClaim { name: "staff.example".to_owned(), enforced: true })],
    ///     trusted_by: Vec::new(),
    /// };
    /// manage.create_directory(org, &staff)?;
    /// manage.claim_domain(org, "Staff", "branch.example", false)?;
    /// manage.trust(org, "Staff", "67890@AdobeOrg")?;
    /// manage.set_synced(org, "Staff", true)?; // another sync owns it: no account can be created
    ///
    /// manage.release_domain(org, "Staff", "branch.example")?;
    /// manage.distrust(org, "Staff", "67890@AdobeOrg")?;
    /// assert!(manage.directories(org)?.iter().any(|directory| directory.name == "Staff"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the name is taken, or another directory claims one of the domains.
    pub fn create_directory(&self, org_id: &str, new: &seed::Directory) -> Result<seed::Directory, ManageError> {
        self.write(org_id, |tx, org| {
            if find(&tx.rows(), org, &new.name).is_ok() {
                let message = format!("Directory exists already: {}", new.name);
                return Err(ManageError::conflict("emulator.directory.exists", message));
            }
            seed::add_directory(tx, org.id, new)?;
            show(&tx.rows(), org, &new.name)
        })
    }

    /// Sets whether another sync owns the accounts of a directory. If so, no accounts can be created in it.
    ///
    /// # Errors
    /// If the directory does not exist.
    pub fn set_synced(&self, org_id: &str, name: &str, synced: bool) -> Result<seed::Directory, ManageError> {
        self.write(org_id, |tx, org| {
            tx.set_synced(find(&tx.rows(), org, name)?.id, synced)?;
            show(&tx.rows(), org, name)
        })
    }

    /// Claims a domain for a directory, or changes whether a claimed domain is enforced. An enforced domain rejects Adobe IDs
    /// with its addresses.
    ///
    /// # Errors
    /// If the directory does not exist, or another one claims the domain.
    pub fn claim_domain(
        &self,
        org_id: &str,
        name: &str,
        domain: &str,
        enforced: bool,
    ) -> Result<seed::Directory, ManageError> {
        self.write(org_id, |tx, org| {
            let directory = find(&tx.rows(), org, name)?;
            match tx.rows().claim(org.id, domain)? {
                Some(claim) if claim.directory.id == directory.id => tx.set_enforced(domain, enforced)?,
                _ => provision::claim(tx, org.id, directory.id, domain, enforced)?,
            }
            show(&tx.rows(), org, name)
        })
    }

    /// Releases a domain of a directory. The accounts of the domain stay.
    ///
    /// # Errors
    /// If the directory does not claim it.
    pub fn release_domain(&self, org_id: &str, name: &str, domain: &str) -> Result<(), ManageError> {
        self.write(org_id, |tx, org| {
            let directory = find(&tx.rows(), org, name)?;
            if tx.release_domain(directory.id, domain)? {
                return Ok(());
            }
            let message = format!("Directory {} does not claim {domain}", directory.name);
            Err(ManageError::not_found("emulator.domain.unclaimed", message))
        })
    }

    /// Trusts another organization with a directory.
    ///
    /// # Errors
    /// If the directory or the organization does not exist.
    pub fn trust(&self, org_id: &str, name: &str, trustee: &str) -> Result<seed::Directory, ManageError> {
        self.write(org_id, |tx, org| {
            let directory = find(&tx.rows(), org, name)?;
            let trustee = organization(&tx.rows(), trustee)?;
            tx.trust(directory.id, trustee.id)?;
            show(&tx.rows(), org, name)
        })
    }

    /// Ends the trust of another organization. Its users from the directory stay.
    ///
    /// # Errors
    /// If the organization is not trusted.
    pub fn distrust(&self, org_id: &str, name: &str, trustee: &str) -> Result<(), ManageError> {
        self.write(org_id, |tx, org| {
            let directory = find(&tx.rows(), org, name)?;
            let trustee = organization(&tx.rows(), trustee)?;
            if tx.distrust(directory.id, trustee.id)? {
                return Ok(());
            }
            let message = format!("Directory {} does not trust {}", directory.name, trustee.org_id);
            Err(ManageError::not_found("emulator.trust.unknown", message))
        })
    }
}
