using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A member's record as a JSON object: what the API shows and takes, and what is stored. Fields are written in the order of their names.
/// </summary>
internal static class MemberJson
{
    /// <summary>Writes the record.</summary>
    /// <param name="writer">Where to write.</param>
    /// <param name="member">The record.</param>
    /// <param name="forStorage">Whether capabilities that were never set are left out, to be told from an empty list.</param>
    public static void Write(Utf8JsonWriter writer, MemberRecord member, bool forStorage = false)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("activeBridge", member.IsActiveBridge);
        writer.WriteString("address", member.Address.ToString());
        writer.WriteNumber("authenticationExpiryTime", member.AuthenticationExpiryTimeMs);
        writer.WriteBoolean("authorized", member.IsAuthorized);
        if (member.Capabilities is not null || !forStorage)
        {
            writer.WriteStartArray("capabilities");
            foreach (var capability in member.Capabilities ?? default)
                writer.WriteNumberValue(capability);
            writer.WriteEndArray();
        }

        writer.WriteNumber("creationTime", member.CreationTimeMs);
        writer.WriteString("id", member.Address.ToString());
        if (member.Identity is not null)
            writer.WriteString("identity", member.Identity);
        writer.WriteStartArray("ipAssignments");
        foreach (var address in member.Addresses)
            writer.WriteStringValue(address.ToString());
        writer.WriteEndArray();
        writer.WriteString("lastAuthorizedCredential", member.LastAuthorizedCredential);
        writer.WriteString("lastAuthorizedCredentialType", member.LastAuthorizedCredentialType);
        writer.WriteNumber("lastAuthorizedTime", member.LastAuthorizedTimeMs);
        writer.WriteNumber("lastDeauthorizedTime", member.LastDeauthorizedTimeMs);
        if (member.Name is not null)
            writer.WriteString("name", member.Name);
        writer.WriteBoolean("noAutoAssignIps", member.NoAutoAssign);
        writer.WriteString("nwid", member.Network.ToString());
        writer.WriteString("objtype", "member");
        writer.WriteNumber("remoteTraceLevel", member.RemoteTraceLevel);
        writer.WriteNodeOrNull("remoteTraceTarget", member.RemoteTraceTarget);
        writer.WriteNumber("revision", member.Revision);
        writer.WriteBoolean("ssoExempt", false);
        writer.WriteStartArray("tags");
        foreach (var tag in member.Tags)
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(tag.Id);
            writer.WriteNumberValue(tag.Value);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteNumber("vMajor", member.Version.Major);
        writer.WriteNumber("vMinor", member.Version.Minor);
        writer.WriteNumber("vProto", member.Version.Protocol);
        writer.WriteNumber("vRev", member.Version.Revision);
        writer.WriteEndObject();
    }

    /// <summary>
    /// The record with what a request's body says. A field that is absent, or whose type is not the right one, leaves the record as it is;
    /// entries of lists that cannot be read are left out. What the controller itself finds out (identity, version, times) cannot be said.
    /// </summary>
    public static MemberRecord Apply(MemberRecord member, JsonElement body)
    {
        if (body.TryGet("authorized", out var value))
            member = member with { IsAuthorized = value.AsBoolean() };
        if (body.TryGet("activeBridge", out value))
            member = member with { IsActiveBridge = value.AsBoolean() };
        if (body.TryGet("noAutoAssignIps", out value))
            member = member with { NoAutoAssign = value.AsBoolean() };
        if (body.TryGet("authenticationExpiryTime", out value))
            member = member with { AuthenticationExpiryTimeMs = value.AsCount() };
        if (body.TryGet("name", out value))
            member = member with { Name = value.AsText() };
        if (body.TryGet("remoteTraceTarget", out value))
            member = member with { RemoteTraceTarget = value.AsNodeAddress() };
        if (body.TryGet("remoteTraceLevel", out value))
            member = member with { RemoteTraceLevel = value.AsTraceLevel() };
        if (body.TryGetArray("ipAssignments", out value))
            member = member with { Addresses = ReadAddresses(value) };
        if (body.TryGetArray("tags", out value))
            member = member with { Tags = ReadTags(value) };
        if (body.TryGetArray("capabilities", out value))
            member = member with { Capabilities = value.EnumerateArray().Select(id => (uint)id.AsUnsigned()).Distinct().Order().ToEquatableArray() };
        return member;
    }

    /// <summary>Reads a stored record: everything that <see cref="Write"/> wrote, or a controller with the same API.</summary>
    public static bool TryRead(JsonElement document, out MemberRecord member)
    {
        member = new MemberRecord { Network = default, Address = default };
        if (!document.TryGet("id", out var id) || !NodeAddress.TryParse(id.AsText(), out var address)
            || !document.TryGet("nwid", out var nwid) || !NetworkId.TryParse(nwid.AsText(), out var network) || network.IsNone)
            return false;
        member = Apply(member with { Network = network, Address = address }, document);
        member = member with
        {
            Identity = TextOrNull(document, "identity"),
            CreationTimeMs = Count(document, "creationTime"),
            Revision = document.TryGet("revision", out var value) ? value.AsUnsigned() : 0,
            LastAuthorizedTimeMs = Count(document, "lastAuthorizedTime"),
            LastDeauthorizedTimeMs = Count(document, "lastDeauthorizedTime"),
            LastAuthorizedCredentialType = TextOrNull(document, "lastAuthorizedCredentialType"),
            LastAuthorizedCredential = TextOrNull(document, "lastAuthorizedCredential"),
            Version = new NodeVersion(Version(document, "vMajor"), Version(document, "vMinor"), Version(document, "vRev"), Version(document, "vProto")),
        };
        return true;

        static long Count(JsonElement document, string name) => document.TryGet(name, out var value) ? value.AsCount() : 0;

        static int Version(JsonElement document, string name) => document.TryGet(name, out var value) && value.TryGetSmallNumber(out var number) ? number : -1;

        static string? TextOrNull(JsonElement document, string name) =>
            document.TryGet(name, out var value) && value.ValueKind == JsonValueKind.String ? value.AsText() : null;
    }

    private static EquatableArray<InetAddress> ReadAddresses(JsonElement list)
    {
        var addresses = new OrderedDictionary<InetAddress, bool>();
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.TryAddress(out var address))
                addresses[address] = true;
        }

        return addresses.Keys.ToEquatableArray();
    }

    private static EquatableArray<MemberTag> ReadTags(JsonElement list)
    {
        var tags = new SortedDictionary<uint, uint>();
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.ValueKind == JsonValueKind.Array && entry.GetArrayLength() == 2)
                tags[(uint)entry[0].AsUnsigned()] = (uint)entry[1].AsUnsigned();
        }

        return tags.Select(tag => new MemberTag(tag.Key, tag.Value)).ToEquatableArray();
    }
}
