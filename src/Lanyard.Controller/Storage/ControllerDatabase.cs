using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Lanyard.Wire;
using Microsoft.Data.Sqlite;

namespace Lanyard.Controller;

/// <summary>
/// The SQLite file of <see cref="SqliteControllerStore"/>: schema, migrations and statements. A record is stored as the JSON object that
/// the API returns, with key columns. Methods block; one thread at a time may use it.
/// </summary>
internal sealed class ControllerDatabase : IDisposable
{
    // "LNYC", which distinguishes this program's files from other programs' files.
    private const int ApplicationId = 0x4c4e5943;

    private const int BusyTimeoutSeconds = 1;

    // The n-th migrates the schema from version n to n + 1. Released migrations are never edited.
    private static readonly string[] Migrations =
    [
        """
        CREATE TABLE network (
            id TEXT NOT NULL PRIMARY KEY,
            revision INTEGER NOT NULL,
            document TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE member (
            network TEXT NOT NULL REFERENCES network (id) ON DELETE CASCADE,
            address TEXT NOT NULL,
            revision INTEGER NOT NULL,
            document TEXT NOT NULL,
            PRIMARY KEY (network, address)
        ) STRICT, WITHOUT ROWID;
        """,
        "CREATE TABLE signed (until INTEGER NOT NULL) STRICT; INSERT INTO signed VALUES (0);",
    ];

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private readonly ArrayBufferWriter<byte> _json = new();
    private readonly SqliteCommand _saveNetwork;
    private readonly SqliteCommand _saveMember;
    private readonly SqliteCommand _deleteNetwork;
    private readonly SqliteCommand _deleteMember;
    private readonly SqliteCommand _saveSigned;

    private ControllerDatabase(string path, SqliteConnection connection)
    {
        _path = path;
        _connection = connection;
        _saveNetwork = Command(
            "INSERT INTO network (id, revision, document) VALUES ($network, $revision, $document) "
            + "ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, document = excluded.document", "$network", "$revision", "$document");
        _saveMember = Command(
            "INSERT INTO member (network, address, revision, document) VALUES ($network, $address, $revision, $document) "
            + "ON CONFLICT (network, address) DO UPDATE SET revision = excluded.revision, document = excluded.document",
            "$network", "$address", "$revision", "$document");
        _deleteNetwork = Command("DELETE FROM network WHERE id = $network", "$network");
        _deleteMember = Command("DELETE FROM member WHERE network = $network AND address = $address", "$network", "$address");
        _saveSigned = Command("UPDATE signed SET until = $until", "$until");
    }

    /// <summary>The schema version that this program writes.</summary>
    public static int SchemaVersion => Migrations.Length;

    /// <summary>Opens or creates the file for this process alone, and migrates its schema.</summary>
    /// <exception cref="ControllerStoreException">The file is in use, damaged, from a later version, from another program, or cannot be opened.</exception>
    public static ControllerDatabase Open(string path)
    {
        SqliteConnection? connection = null;
        try
        {
            Protect(path);
            connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = SqliteOpenMode.ReadWriteCreate,
                Pooling = false,
                ForeignKeys = true,
                DefaultTimeout = BusyTimeoutSeconds,
            }.ConnectionString);
            connection.Open();
            // Exclusive: a second process gets an error. Full: committed changes survive a power failure.
            Execute(connection, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
            Migrate(connection, path);
            return new ControllerDatabase(path, connection);
        }
        catch (SqliteException e)
        {
            connection?.Dispose();
            throw Explain(path, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            connection?.Dispose();
            throw new ControllerStoreException(
                $"Cannot create the controller's database {path}: {e.Message} Check that its folder exists and that this user may write to it.", e);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>Reads all records.</summary>
    /// <exception cref="ControllerStoreException">The file or a record in it cannot be read.</exception>
    public StoredRecords Load()
    {
        try
        {
            var networks = new List<NetworkRecord>();
            using (var rows = Command("SELECT id, document FROM network ORDER BY id").ExecuteReader())
            {
                while (rows.Read())
                    networks.Add(Parse<NetworkRecord>(rows.GetString(1), $"network {rows.GetString(0)}", NetworkJson.TryRead));
            }

            var members = new List<MemberRecord>();
            using (var rows = Command("SELECT network, address, document FROM member ORDER BY network, address").ExecuteReader())
            {
                while (rows.Read())
                    members.Add(Parse<MemberRecord>(rows.GetString(2), $"member {rows.GetString(1)} of network {rows.GetString(0)}", MemberJson.TryRead));
            }

            return new StoredRecords(networks, members, Scalar(_connection, "SELECT until FROM signed"));
        }
        catch (SqliteException e)
        {
            throw Explain(_path, e);
        }
    }

    /// <summary>Writes all changes in one transaction.</summary>
    /// <exception cref="ControllerStoreException">The write failed.</exception>
    public void Write(PendingChanges changes)
    {
        try
        {
            using var transaction = _connection.BeginTransaction();
            foreach (var (network, change) in changes.Networks)
            {
                if (change.Deleted)
                    Run(_deleteNetwork, transaction, network.ToString());
                if (change.Saved is { } record)
                    Run(_saveNetwork, transaction, network.ToString(), (long)record.Revision, DocumentOf(record));
            }

            foreach (var (network, members) in changes.Members)
            {
                foreach (var (address, record) in members)
                {
                    if (record is null)
                        Run(_deleteMember, transaction, network.ToString(), address.ToString());
                    else
                        Run(_saveMember, transaction, network.ToString(), address.ToString(), (long)record.Revision, DocumentOf(record));
                }
            }

            if (changes.SignedUntilMs is { } until)
                Run(_saveSigned, transaction, until);
            transaction.Commit();
        }
        catch (SqliteException e)
        {
            throw Explain(_path, e);
        }
    }

    public void Dispose()
    {
        _saveNetwork.Dispose();
        _saveMember.Dispose();
        _deleteNetwork.Dispose();
        _deleteMember.Dispose();
        _saveSigned.Dispose();
        // Closing the only connection merges the write-ahead log into the file.
        _connection.Dispose();
    }

    // The records contain tokens and memberships, so only the owner may read them. SQLite creates side files with the mode of the main file; side files of a
    // stopped process already exist.
    private static void Protect(string path)
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if (OperatingSystem.IsWindows())
            return;
        if (!File.Exists(path))
            new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }).Dispose();
        foreach (var file in new[] { path, path + "-wal", path + "-shm", path + "-journal" })
        {
            // Leave the target of a symbolic link unchanged.
            if (new FileInfo(file) is { Exists: true, LinkTarget: null } && (File.GetUnixFileMode(file) & ~OwnerOnly) != 0)
                File.SetUnixFileMode(file, OwnerOnly);
        }
    }

    private static void Migrate(SqliteConnection connection, string path)
    {
        // Before the first write: the file must be new, or one of this program.
        var application = Scalar(connection, "PRAGMA application_id");
        if (application != ApplicationId && (application != 0 || Scalar(connection, "SELECT count(*) FROM sqlite_schema") != 0))
            throw new ControllerStoreException($"{path} is a database of another program. Choose another file for the controller.");
        using var transaction = connection.BeginTransaction();
        Execute(connection, string.Create(CultureInfo.InvariantCulture,
            $"PRAGMA application_id = {ApplicationId}; CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT;"), transaction);
        var version = Scalar(connection, "SELECT coalesce(max(version), 0) FROM schema_version", transaction);
        if (version > SchemaVersion)
        {
            throw new ControllerStoreException(string.Create(CultureInfo.InvariantCulture,
                $"{path} was written by a later version of this program (schema {version}; this program supports {SchemaVersion}). "
                + $"Run that version, or restore an older backup."));
        }

        for (; version < SchemaVersion; version++)
            Execute(connection, Migrations[version], transaction);
        Execute(connection, string.Create(CultureInfo.InvariantCulture,
            $"DELETE FROM schema_version; INSERT INTO schema_version VALUES ({version});"), transaction);
        transaction.Commit();
    }

    private static ControllerStoreException Explain(string path, SqliteException e) => new(e.SqliteErrorCode switch
    {
        5 or 6 => $"The controller's database {path} is in use by another process. Stop that process, or choose another folder.",
        8 => $"The controller's database {path} is read-only. Check that this user may write to the file and its folder.",
        11 or 26 => $"The controller's database {path} is damaged, or is not a database. Restore a backup, or move the file away to start without networks.",
        13 => $"The disk is full: the controller's database {path} cannot be written. Free space on the disk; changes are kept in memory until the process exits.",
        14 => $"The controller's database {path} cannot be opened. Check that its folder exists and that this user may write to it.",
        _ => $"The controller's database {path} failed: {e.Message}",
    }, e);

    private T Parse<T>(string document, string name, ControllerJson.RecordReader<T> read) => ControllerJson.Parse(Encoding.UTF8.GetBytes(document), read,
        $"The record of {name} in the controller's database {_path} is damaged. Restore a backup, or delete that row.");

    private string DocumentOf(NetworkRecord network) => Document(writer => NetworkJson.Write(writer, network));

    private string DocumentOf(MemberRecord member) => Document(writer => MemberJson.Write(writer, member, forStorage: true));

    private string Document(Action<Utf8JsonWriter> write)
    {
        _json.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_json, ControllerJson.WriterOptions))
            write(writer);
        return Encoding.UTF8.GetString(_json.WrittenSpan);
    }

    private SqliteCommand Command(string text, params ReadOnlySpan<string> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        foreach (var parameter in parameters)
            command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
        return command;
    }

    private static void Run(SqliteCommand command, SqliteTransaction transaction, params ReadOnlySpan<object> values)
    {
        command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
        command.ExecuteNonQuery();
    }

    private static void Execute(SqliteConnection connection, string text, SqliteTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.Transaction = transaction;
        command.ExecuteNonQuery();
    }

    private static long Scalar(SqliteConnection connection, string text, SqliteTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.Transaction = transaction;
        return (long)command.ExecuteScalar()!;
    }
}
