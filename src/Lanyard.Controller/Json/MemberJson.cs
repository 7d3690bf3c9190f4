using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A member's record as a JSON object, for the API and for storage. Fields are written in the order of their names.
/// </summary>
internal static class MemberJson
{
    /// <summary>The highest remote trace level.</summary>
    public const int MaxTraceLevel = 30;

    /// <summary>Writes the record.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="member">The record.</param>
    /// <param name="forStorage">Whether to omit capabilities that were never set, which distinguishes them from an empty list.</param>
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
    /// Applies a request body to the record. Fields that the controller determines itself (identity, version, times) are ignored.
    /// </summary>
    /// <param name="member">The current record.</param>
    /// <param name="body">The body, an object.</param>
    /// <param name="fields">Records unreadable fields, which leave the record unchanged.</param>
    public static MemberRecord Apply(MemberRecord member, JsonElement body, FieldReader fields)
    {
        if (fields.TryFlag(body, "authorized", false, out var flag))
            member = member with { IsAuthorized = flag };
        if (fields.TryFlag(body, "activeBridge", false, out flag))
            member = member with { IsActiveBridge = flag };
        if (fields.TryFlag(body, "noAutoAssignIps", false, out flag))
            member = member with { NoAutoAssign = flag };
        if (fields.TryNumber(body, "authenticationExpiryTime", 0, long.MaxValue, out var number))
            member = member with { AuthenticationExpiryTimeMs = (long)number };
        if (fields.TryText(body, "name", out var name))
            member = member with { Name = name };
        if (fields.TryNode(body, "remoteTraceTarget", out var target))
            member = member with { RemoteTraceTarget = target };
        if (fields.TryNumber(body, "remoteTraceLevel", 0, MaxTraceLevel, out number))
            member = member with { RemoteTraceLevel = (int)number };
        var addresses = new OrderedDictionary<InetAddress, bool>();
        if (fields.TryList(body, "ipAssignments", ReadAddress))
            member = member with { Addresses = addresses.Keys.ToEquatableArray() };
        var tags = new SortedDictionary<uint, uint>();
        if (fields.TryList(body, "tags", ReadTag))
            member = member with { Tags = tags.Select(tag => new MemberTag(tag.Key, tag.Value)).ToEquatableArray() };
        var capabilities = new SortedSet<uint>();
        if (fields.TryList(body, "capabilities", ReadCapability))
            member = member with { Capabilities = capabilities.ToEquatableArray() };
        return member;

        void ReadAddress(JsonElement entry, string place)
        {
            if (entry.TryAddress(out var address))
                addresses[address] = true;
            else
                fields.Refuse(place, "an IP address");
        }

        void ReadTag(JsonElement entry, string place)
        {
            if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2)
                fields.Refuse(place, "a tag, a list of a number and a value");
            else if (fields.TryBits(entry[0], place + "[0]", 32, out var id) && fields.TryBits(entry[1], place + "[1]", 32, out var value))
                tags[(uint)id] = (uint)value;
        }

        void ReadCapability(JsonElement entry, string place)
        {
            if (fields.TryBits(entry, place, 32, out var id))
                capabilities.Add((uint)id);
        }
    }

    /// <summary>Reads a record that <see cref="Write"/> or another controller with the same API wrote.</summary>
    public static bool TryRead(JsonElement document, out MemberRecord member) => TryRead(document, new FieldReader(), out member);

    /// <summary>Reads a stored record and records unreadable fields.</summary>
    public static bool TryRead(JsonElement document, FieldReader fields, out MemberRecord member)
    {
        member = new MemberRecord { Network = default, Address = default };
        if (!document.TryGet("id", out var id) || !NodeAddress.TryParse(id.AsText(), out var address)
            || !document.TryGet("nwid", out var nwid) || !NetworkId.TryParse(nwid.AsText(), out var network) || network.IsNone)
            return false;
        member = Apply(member with { Network = network, Address = address }, document, fields);
        member = member with
        {
            Identity = TextOrNull(document, "identity"),
            CreationTimeMs = document.StoredCount("creationTime"),
            Revision = document.StoredNumber("revision"),
            LastAuthorizedTimeMs = document.StoredCount("lastAuthorizedTime"),
            LastDeauthorizedTimeMs = document.StoredCount("lastDeauthorizedTime"),
            LastAuthorizedCredentialType = TextOrNull(document, "lastAuthorizedCredentialType"),
            LastAuthorizedCredential = TextOrNull(document, "lastAuthorizedCredential"),
            Version = new MemberVersion(Version(document, "vMajor"), Version(document, "vMinor"), Version(document, "vRev"), Version(document, "vProto")),
        };
        return true;

        static int Version(JsonElement document, string name) => document.TryGet(name, out var value) && value.TryGetSmallNumber(out var number) ? number : -1;

        static string? TextOrNull(JsonElement document, string name) =>
            document.TryGet(name, out var value) && value.ValueKind == JsonValueKind.String ? value.AsText() : null;
    }
}
