// SPDX-License-Identifier: GPL-2.0
/*
 * mobyvm_fsnotify: raises inotify events for changes that were made on an SMB server.
 *
 * The SMB client learns of a change on the server only when a program asks, and then
 * raises no event. mobyvm's daemon watches the server's folders and says what
 * changed; share-events writes it here, one record per write(2):
 *
 *	OPS NUL PATH [NUL PATH2]
 *
 * OPS is one or more of
 *	c  PATH was created		d  PATH was deleted
 *	m  its content was modified	a  its attributes were changed
 *	w  a writer closed it
 * or r alone: PATH was renamed to PATH2. A D at the end says that it is (or was) a
 * folder; it counts only where the cache has no inode that could tell.
 *
 * PATH is absolute, as the writing process sees it. Its last component is taken
 * literally: no symlink is followed, and "." and ".." are refused. Its folder must be
 * on CIFS. Nothing on the server is changed.
 *
 * For each record the cached name is first compared with the server, past attribute
 * cache, leases and negative entries; then the events are raised. So a watcher that
 * looks at once finds the new state.
 *
 * write(2) returns the length of the record, or
 *	EINVAL		it is not a record
 *	E2BIG		it is longer than any record
 *	ENAMETOOLONG	a path is longer than PATH_MAX
 *	EXDEV		it is not on CIFS, or something is mounted on it
 *	ENOENT		there is no such folder, or (m, a, w) no such file
 * or what the server's lookup failed with, such as EHOSTDOWN.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/fsnotify.h>
#include <linux/magic.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/netfs.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/string.h>
#include <linux/version.h>

#define MAX_OPS		8
#define MAX_RECORD	(MAX_OPS + 2 * PATH_MAX)

/* A record, cut into its parts. */
struct record {
	const char *ops;
	char *path;
	char *path2;
	bool is_folder;
};

/* A name in a folder: what the cache had for it, and what the server has. */
struct entry {
	struct path folder;
	struct qstr name;
	struct dentry *cached;
	struct inode *cached_inode;
	struct path found;	/* found.dentry is NULL if the server has nothing */
};

static void entry_put(struct entry *e)
{
	if (e->found.dentry)
		path_put(&e->found);
	iput(e->cached_inode);
	dput(e->cached);
	if (e->folder.dentry)
		path_put(&e->folder);
}

static struct inode *entry_inode(const struct entry *e)
{
	return e->found.dentry ? d_inode(e->found.dentry) : NULL;
}

static bool is_cifs(const struct super_block *sb)
{
	return sb->s_magic == CIFS_SUPER_MAGIC || sb->s_magic == SMB2_SUPER_MAGIC;
}

static bool is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/*
 * Walks to a folder by the cache alone. After "rm -r" on the server, names in folders
 * that are gone must still be found, and a folder that was renamed has to keep its
 * dentry: asking the server would drop both.
 */
static int walk_cached(const char *s, struct path *folder)
{
	struct qstr name;
	struct dentry *child;

	get_fs_root(current->fs, folder);
	for (; *s; s += name.len) {
		if (*s == '/') {
			name.len = 1;
			continue;
		}
		name = (struct qstr)QSTR_INIT(s, strchrnul(s, '/') - s);
		if (is_dots(s, name.len) || !d_can_lookup(folder->dentry))
			goto missing;
		child = d_hash_and_lookup(folder->dentry, &name);
		if (IS_ERR_OR_NULL(child))
			goto missing;
		dput(folder->dentry);
		folder->dentry = child;
		while (d_mountpoint(folder->dentry) && follow_down_one(folder))
			;
	}
	if (d_can_lookup(folder->dentry))
		return 0;
missing:
	path_put(folder);
	*folder = (struct path){};
	return -ENOENT;
}

/*
 * Walks to a folder by the server. The second walk trusts nothing that is cached: a
 * folder that was just made may still have a negative entry.
 */
static int walk_server(const char *s, struct path *folder)
{
	const unsigned int flags = LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
	int err = kern_path(s, flags, folder);

	if (err == -ENOENT || err == -ENOTDIR || err == -ESTALE)
		err = kern_path(s, flags | LOOKUP_REVAL | LOOKUP_CREATE, folder);
	return err;
}

/* Finds the folder of path and what is cached for the name in it. Cuts path in two. */
static int entry_open(struct entry *e, char *path, bool is_leaving)
{
	char *slash = strrchr(path, '/');
	struct dentry *d;
	const char *folder;
	size_t len;
	int err;

	if (*path != '/' || !slash)
		return -EINVAL;
	len = strlen(slash + 1);
	if (!len || is_dots(slash + 1, len))
		return -EINVAL;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	e->name = (struct qstr)QSTR_INIT(slash + 1, len);
	*slash = '\0';
	folder = *path ? path : "/";

	err = is_leaving ? walk_cached(folder, &e->folder) : -ENOENT;
	if (err)
		err = walk_server(folder, &e->folder);
	if (err)
		return err;
	if (!is_cifs(e->folder.dentry->d_sb))
		return -EXDEV;

	d = d_hash_and_lookup(e->folder.dentry, &e->name);
	if (IS_ERR(d))
		return PTR_ERR(d);
	if (d && d_really_is_negative(d)) {
		d_drop(d);	/* cifs would believe it for as long as actimeo */
		dput(d);
	} else if (d) {
		e->cached = d;
		e->cached_inode = igrab(d_inode(d));
	}
	return 0;
}

/*
 * Reads past zero_point are zeros that no server is asked for (netfs, since Linux 6.8).
 * It begins as the file's length, and cifs does not move it when the file grows on the
 * server: a file that is bound by itself, which no lookup revalidates, would read as its
 * first bytes and zeros.
 */
static void read_to_the_end(struct inode *inode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	struct netfs_inode *n = netfs_inode(inode);
	unsigned long long size = i_size_read(inode);

	spin_lock(&inode->i_lock);
	if (n->zero_point < size)
		n->zero_point = size;
	spin_unlock(&inode->i_lock);
#endif
}

/*
 * Compares the cached entry with the server. AT_STATX_FORCE_SYNC makes cifs ask,
 * whatever actimeo says and even while it has a lease; LOOKUP_REVAL would trust that.
 * Returns 0 if the name is the file that was cached, 1 if it is no longer.
 */
static int entry_revalidate(struct entry *e)
{
	struct kstat stat;
	int err;

	if (!e->cached || d_unhashed(e->cached))
		return 1;
	if (d_mountpoint(e->cached))
		return -EXDEV;
	e->found.mnt = e->folder.mnt;
	e->found.dentry = e->cached;
	path_get(&e->found);
	err = vfs_getattr(&e->found, &stat, STATX_BASIC_STATS, AT_STATX_FORCE_SYNC);
	if (!err) {
		if (S_ISREG(d_inode(e->cached)->i_mode)) {
			read_to_the_end(d_inode(e->cached));
			/* Clean pages may have the old content; dirty ones stay. */
			invalidate_mapping_pages(d_inode(e->cached)->i_mapping, 0, -1);
		}
		return 0;
	}
	path_put(&e->found);
	e->found.dentry = NULL;
	if (err != -ENOENT && err != -ESTALE)
		return err;
	d_invalidate(e->cached);
	return 1;
}

/* Asks the server for the name: e->found is what it has. */
static int entry_refresh(struct entry *e)
{
	int err = entry_revalidate(e);

	if (err <= 0)
		return err;
	/*
	 * A dentry without use must go before the same inode can be found by its new
	 * name: cifs gives a folder that still has one an inode number of its own.
	 */
	dput(e->cached);
	e->cached = NULL;
	err = vfs_path_lookup(e->folder.dentry, e->folder.mnt, e->name.name,
			      LOOKUP_REVAL, &e->found);
	if (err) {
		e->found.dentry = NULL;
		return err == -ENOENT ? 0 : err;
	}
	return e->found.mnt == e->folder.mnt ? 0 : -EXDEV;
}

/* The folder's own times, which its new content changed. */
static void refresh_folder(const struct entry *e)
{
	struct kstat stat;

	vfs_getattr(&e->folder, &stat, STATX_BASIC_STATS, AT_STATX_FORCE_SYNC);
}

/* An event about the name, for those who watch the folder. */
static void raise_in_folder(const struct entry *e, u32 mask, struct inode *inode,
			    bool is_folder, u32 cookie)
{
	struct inode *folder = d_inode(e->folder.dentry);

	if (inode ? S_ISDIR(inode->i_mode) : is_folder)
		mask |= FS_ISDIR;
	fsnotify_name(mask, inode ?: folder, FSNOTIFY_EVENT_INODE, folder, &e->name, cookie);
}

/* The inode lost a name. Those who watch it learn, as after unlink(2). */
static void raise_unlinked(struct inode *inode)
{
	struct dentry *other = d_find_alias(inode);
	bool has_other_name = other && !d_unhashed(other);

	dput(other);
	if (has_other_name)
		return;
	if (!S_ISDIR(inode->i_mode)) {
		fsnotify_inode(inode, FS_ATTRIB);	/* the link count */
		if (inode->i_nlink > 1)
			return;
	}
	fsnotify_inoderemove(inode);
}

/*
 * Does to the cache what a local rename(2) does, so that whatever is open, bound or
 * watched at or below the old name lives on under the new one.
 */
static void move_cached(struct entry *from, struct entry *to)
{
	struct dentry *trap, *target;

	if (!from->cached || from->cached == to->cached || d_mountpoint(from->cached) ||
	    (to->cached && d_mountpoint(to->cached)))
		return;
	target = to->cached ? dget(to->cached) : d_alloc(to->folder.dentry, &to->name);
	if (!target)
		return;
	trap = lock_rename(from->folder.dentry, to->folder.dentry);
	if (!IS_ERR(trap)) {
		if (trap != from->cached && trap != target && !d_unhashed(from->cached) &&
		    from->cached->d_parent == from->folder.dentry &&
		    target->d_parent == to->folder.dentry)
			d_move(from->cached, target);
		unlock_rename(from->folder.dentry, to->folder.dentry);
	}
	dput(target);
	if (from->cached->d_parent != to->folder.dentry || d_unhashed(from->cached))
		return;
	dput(to->cached);
	to->cached = from->cached;
	from->cached = NULL;
}

static void raise_renamed(const struct entry *from, const struct entry *to,
			  struct inode *replaced, bool is_folder)
{
	struct inode *moved = entry_inode(to) ?: from->cached_inode;
	u32 cookie = fsnotify_get_cookie();

	raise_in_folder(from, FS_MOVED_FROM, moved, is_folder, cookie);
	raise_in_folder(to, FS_MOVED_TO, moved, is_folder, cookie);
	if (moved && moved == from->cached_inode)
		fsnotify_inode(moved, FS_MOVE_SELF);
	if (replaced && replaced != moved)
		raise_unlinked(replaced);
}

static int renamed(const struct record *r)
{
	struct entry from = {}, to = {};
	struct inode *replaced;
	int err;

	err = entry_open(&from, r->path, true);
	if (!err)
		err = entry_open(&to, r->path2, false);
	if (!err && from.folder.dentry->d_sb != to.folder.dentry->d_sb)
		err = -EXDEV;
	replaced = to.cached_inode;
	to.cached_inode = NULL;
	if (err)
		goto out;

	move_cached(&from, &to);
	err = entry_refresh(&from);	/* first, see entry_refresh() */
	if (!err)
		err = entry_refresh(&to);
	if (err)
		goto out;
	refresh_folder(&from);
	if (to.folder.dentry != from.folder.dentry)
		refresh_folder(&to);
	raise_renamed(&from, &to, replaced, r->is_folder);
out:
	iput(replaced);
	entry_put(&from);
	entry_put(&to);
	return err;
}

static int raise_change(struct entry *e, char op, bool is_folder)
{
	struct inode *inode = entry_inode(e);

	switch (op) {
	case 'c':
		raise_in_folder(e, FS_CREATE, inode, is_folder, 0);
		return 0;
	case 'd':
		/* In the order of unlink(2): first the file's own watchers. */
		if (e->cached_inode && e->cached_inode != inode)
			raise_unlinked(e->cached_inode);
		raise_in_folder(e, FS_DELETE, e->cached_inode, is_folder, 0);
		return 0;
	}
	if (!inode)
		return -ENOENT;
	fsnotify_path(&e->found, op == 'm' ? FS_MODIFY : op == 'a' ? FS_ATTRIB : FS_CLOSE_WRITE);
	return 0;
}

static int changed(const struct record *r)
{
	bool is_deleted = strchr(r->ops, 'd');
	struct entry e = {};
	const char *op;
	int err;

	err = entry_open(&e, r->path, is_deleted);
	if (!err)
		err = entry_refresh(&e);
	if (err)
		goto out;
	if (strpbrk(r->ops, "cd"))
		refresh_folder(&e);
	for (op = r->ops; *op && *op != 'D' && !err; op++)
		err = raise_change(&e, *op, r->is_folder);
	/* Another file has the name now, and nobody said so. */
	if (!is_deleted && e.cached_inode && e.cached_inode != entry_inode(&e))
		raise_unlinked(e.cached_inode);
out:
	entry_put(&e);
	return err;
}

/* Cuts what was written into its parts; text has a NUL at its end. */
static int record_parse(struct record *r, char *text, size_t len)
{
	char *end = text + len;
	size_t ops = strlen(text), count = strspn(text, "cdmaw");

	*r = (struct record){ .ops = text, .path = text + ops + 1 };
	if (r->path >= end)
		return -EINVAL;
	if (r->path + strlen(r->path) < end)
		r->path2 = r->path + strlen(r->path) + 1;
	if (r->path2 && r->path2 + strlen(r->path2) != end)
		return -EINVAL;
	if (r->path2 && !count && *text == 'r')
		count = 1;
	else if (r->path2)
		return -EINVAL;
	r->is_folder = text[count] == 'D';
	if (!count || ops > MAX_OPS || count + r->is_folder != ops)
		return -EINVAL;
	if (strlen(r->path) >= PATH_MAX || (r->path2 && strlen(r->path2) >= PATH_MAX))
		return -ENAMETOOLONG;
	return 0;
}

static ssize_t device_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	struct record r;
	char *text;
	int err;

	if (len > MAX_RECORD)
		return -E2BIG;
	text = memdup_user_nul(from, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = record_parse(&r, text, len);
	if (!err)
		err = r.path2 ? renamed(&r) : changed(&r);
	kfree(text);
	return err ?: len;
}

static int device_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? nonseekable_open(inode, file) : -EPERM;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.write = device_write,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mobyvm-fsnotify",
	.mode = 0200,
	.fops = &device_operations,
};
module_misc_device(device);

MODULE_DESCRIPTION("Raises inotify events for changes that were made on an SMB server");
MODULE_LICENSE("GPL");
