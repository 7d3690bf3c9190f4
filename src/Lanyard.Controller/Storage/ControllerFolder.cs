using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Reads the folder in which other controllers with this API store their records, <c>controller.d</c>: a file
/// <c>network/ID.json</c> for a network and <c>network/ID/member/ADDRESS.json</c> for a member. The folder is never written: see the import of
/// <see cref="NetworkController"/>.
/// </summary>
public static class ControllerFolder
{
    /// <summary>Reads all records that a controller can serve; returns none if the folder does not exist.</summary>
    /// <param name="path">The folder, such as <c>controller.d</c> in a node's home.</param>
    /// <param name="controller">The address of the controller that imports the records.</param>
    /// <param name="skipped">Called with the path of each file that is skipped, wholly or in part, and a sentence with the reason.</param>
    /// <exception cref="ControllerStoreException">The folder cannot be read.</exception>
    public static StoredRecords Read(string path, NodeAddress controller, Action<string, string>? skipped = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var networks = new List<NetworkRecord>();
        var members = new List<MemberRecord>();
        var folder = Path.Combine(path, "network");
        try
        {
            if (!Directory.Exists(folder))
                return new StoredRecords(networks, members);
            foreach (var file in Files(folder))
            {
                if (TryReadNetwork(file, controller, skipped, out var network))
                    networks.Add(network);
            }

            foreach (var memberFolder in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
                ReadMembers(memberFolder, networks, members, skipped);
            return new StoredRecords(networks, members);
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new ControllerStoreException($"Cannot read the controller's folder {path}: {e.Message} Check its permissions, or move it away.", e);
        }
    }

    private static bool TryReadNetwork(string file, NodeAddress controller, Action<string, string>? skipped, out NetworkRecord network)
    {
        network = new NetworkRecord { Id = default };
        if (!NetworkId.TryParse(Path.GetFileNameWithoutExtension(file), out var id))
        {
            skipped?.Invoke(file, "The file name is not a network ID, 16 hexadecimal digits.");
            return false;
        }

        if (id.Controller != controller)
        {
            skipped?.Invoke(file, $"The network belongs to the controller {id.Controller}, but this node is {controller}.");
            return false;
        }

        return TryParse(file, skipped, NetworkJson.TryRead, record => record.Id == id, RecordLimits.Check, out network);
    }

    private static void ReadMembers(string networkFolder, List<NetworkRecord> networks, List<MemberRecord> members, Action<string, string>? skipped)
    {
        var folder = Path.Combine(networkFolder, "member");
        if (!Directory.Exists(folder))
            return;
        if (!NetworkId.TryParse(Path.GetFileName(networkFolder), out var id) || !networks.Exists(network => network.Id == id))
        {
            skipped?.Invoke(folder, "Its network was not imported.");
            return;
        }

        foreach (var file in Files(folder))
        {
            if (TryParse(file, skipped, MemberJson.TryRead, record => record.Network == id && record.Address.ToString() == Path.GetFileNameWithoutExtension(file) && !record.Address.IsReserved,
                RecordLimits.Check, out MemberRecord member))
                members.Add(member);
        }
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal);

    private static bool TryParse<T>(string file, Action<string, string>? skipped, Reader<T> read, Func<T, bool> isNamed, Action<T> check, out T record)
        where T : class
    {
        record = null!;
        try
        {
            var bytes = File.ReadAllBytes(file);
            if (bytes.AsSpan().IndexOfAnyExcept(" \t\r\n\0"u8) < 0)
            {
                skipped?.Invoke(file, "The file is empty.");
                return false;
            }

            using var document = JsonDocument.Parse(bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? "\uFEFF"u8.Length : 0));
            var fields = new FieldReader();
            if (!read(document.RootElement, fields, out record))
            {
                skipped?.Invoke(file, "The file does not contain a record of this kind.");
                return false;
            }

            if (!isNamed(record))
            {
                skipped?.Invoke(file, "The file name does not match the record.");
                return false;
            }

            check(record);
            if (!fields.HasReadAll)
                skipped?.Invoke(file, $"Some fields were not imported: {fields.Problems}");
            return true;
        }
        catch (JsonException e)
        {
            skipped?.Invoke(file, $"The file is not JSON: {e.Message}");
        }
        catch (Exception e) when (e is ControllerLimitException || IsFileError(e))
        {
            skipped?.Invoke(file, e.Message);
        }

        return false;
    }

    private static bool IsFileError(Exception e) => e is IOException or UnauthorizedAccessException;

    private delegate bool Reader<T>(JsonElement document, FieldReader fields, out T record);
}
