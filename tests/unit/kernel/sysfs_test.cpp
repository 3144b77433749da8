// The tree of kernel objects, devices in it, and sysfs over both.
#include "tests/unit/kernel/shim/shim.h"

#include <algorithm>

#include "drivers/base/device.h"
#include "drivers/base/resource.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/open_file.h"
#include "fs/vfs_ops.h"

using namespace shim;

namespace {

RefPtr<Kobject> object(const char* name, Kobject& parent) {
    RefPtr<Kobject> k = make_ref<Kobject>().release_value();
    REQUIRE(k->set_name("%s", name).ok());
    REQUIRE(k->add_to(parent).ok());
    return k;
}

std::string link_text(const char* path) {
    Path p = lookup_at(AT_FDCWD, path, 0).release_value();
    return p.inode().readlink().release_value().c_str();
}

struct Mounted {
    World world;
    Mounted() {
        REQUIRE(vfs_mkdir(AT_FDCWD, "/sys", 0755).ok());
        REQUIRE(do_mount("sysfs", "/sys", "sysfs", 0, nullptr).ok());
    }
};

/// A device of a kind of its own, gone at the end of the test.
struct TestDevice final : Device {
    int value = 7;
    ~TestDevice() override { destroyed++; }
    static inline int destroyed = 0;
    static Result<void> show(Kobject& k, KString& out) {
        return out.appendf("%d\n", static_cast<TestDevice&>(k).value);
    }
    static Result<void> store(Kobject& k, const char* text, size_t size) {
        static_cast<TestDevice&>(k).value = static_cast<int>(TRY(attribute_number(text, size, 100)));
        return {};
    }
    static Result<size_t> read(Kobject&, u64 offset, u8* out, size_t size) {
        size_t n = 0;
        for (; n < size && offset + n < 1000; n++) out[n] = static_cast<u8>(offset + n);
        return size_t{n};
    }
};
constexpr Attribute kAttributes[] = {
    {"value", 0644, TestDevice::show, TestDevice::store},
    {"blob", 0400, nullptr, nullptr, TestDevice::read, nullptr, [](Kobject&) { return u64{1000}; }},
    {nullptr, 0},
};
constexpr AttributeGroup kPlain = {nullptr, kAttributes};
constexpr AttributeGroup kNamed = {"more", kAttributes,
                                   [](Kobject&, const Attribute& a) { return a.show != nullptr; }};

DeviceClass& test_class() {
    static DeviceClass the_class("test");
    static bool registered = (class_register(the_class), true);
    (void)registered;
    return the_class;
}

RefPtr<TestDevice> add_device(const char* name, dev_t number = kNoDevice, Device* up = nullptr) {
    RefPtr<TestDevice> d = make_ref<TestDevice>().release_value();
    REQUIRE(d->set_name("%s", name).ok());
    d->device_class = &test_class();
    d->number = number;
    d->up = RefPtr<Device>(up);
    d->add_group(kPlain);
    d->add_group(kNamed);
    REQUIRE(device_add(*d).ok());
    return d;
}

bool listed(const char* directory, const char* name) {
    const auto names = list_dir(directory);
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("kobjects have paths, and links lead from one to another as Linux writes them") {
    World world;
    RefPtr<Kobject> a = object("ka", sysfs_root());
    RefPtr<Kobject> b = object("kb", *a);
    RefPtr<Kobject> c = object("kc", *b);
    RefPtr<Kobject> d = object("kd", *a);
    CHECK(c->path().release_value() == "/ka/kb/kc");
    CHECK(c->path_from(*d).release_value() == "../kb/kc");
    CHECK(c->path_from(*a).release_value() == "kb/kc");
    CHECK(a->path_from(*c).release_value() == "../../../ka");  // to an ancestor: by its name
    CHECK(d->path_from(*c).release_value() == "../../kd");
    RefPtr<Kobject> twin = make_ref<Kobject>().release_value();
    REQUIRE(twin->set_name("kb").ok());
    CHECK(error_of(twin->add_to(*a)) == Errno::EEXIST);
    CHECK(error_of(a->add_link("kd", *c)) == Errno::EEXIST);
    a->remove();
    CHECK_FALSE(c->in_tree());
    CHECK_FALSE(sysfs_root().find_child("ka"));
    CHECK(error_of(twin->add_to(*b)) == Errno::ENOENT);
}

TEST_CASE("an entry that stays is met once, whatever goes meanwhile") {
    World world;
    RefPtr<Kobject> top = object("walk", sysfs_root());
    std::vector<RefPtr<Kobject>> all;
    for (int i = 0; i < 20; i++) all.push_back(object(std::to_string(i).c_str(), *top));
    std::vector<std::string> met;
    KobjectEntry e;
    for (u64 from = 0; top->next_entry(from, &e); from = e.order + 1) {
        met.push_back(e.name);
        if (met.size() == 5) all[2]->remove(), all[10]->remove();
    }
    CHECK(met.size() == 19);
    CHECK(std::count(met.begin(), met.end(), "11") == 1);
    CHECK(std::count(met.begin(), met.end(), "10") == 0);
    top->remove();
}

TEST_CASE("a device shows in devices, class, dev and devtmpfs, and then nowhere") {
    Mounted sys;
    REQUIRE(vfs_mkdir(AT_FDCWD, "/dev", 0755).ok());
    REQUIRE(do_mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr).ok());
    const int before = TestDevice::destroyed;
    RefPtr<TestDevice> d = add_device("probe0", make_dev(240, 5));
    CHECK(read_file("/sys/devices/virtual/test/probe0/dev") == "240:5\n");
    CHECK(read_file("/sys/class/test/probe0/uevent") == "MAJOR=240\nMINOR=5\nDEVNAME=probe0\n");
    CHECK(link_text("/sys/class/test/probe0") == "../../devices/virtual/test/probe0");
    CHECK(link_text("/sys/dev/char/240:5") == "../../devices/virtual/test/probe0");
    CHECK(link_text("/sys/devices/virtual/test/probe0/subsystem") == "../../../../class/test");
    CHECK(lookup_at(AT_FDCWD, "/dev/probe0", 0).release_value().inode().rdev == make_dev(240, 5));

    RefPtr<TestDevice> below = add_device("probe1", kNoDevice, &platform_root());
    CHECK(link_text("/sys/class/test/probe1") == "../../devices/platform/test/probe1");
    CHECK(link_text("/sys/class/test/probe1/device") == "../../../platform");
    CHECK_FALSE(listed("/sys/class/test/probe1", "dev"));

    Result<RefPtr<File>> held = open_at(AT_FDCWD, "/sys/class/test/probe0/value", O_RDONLY, 0);
    REQUIRE(held.ok());
    device_remove(*below);
    device_remove(*d);
    d.reset();
    below.reset();
    CHECK_FALSE(listed("/sys/class/test", "probe0"));
    CHECK_FALSE(listed("/sys/devices/virtual/test", "probe0"));
    CHECK_FALSE(listed("/sys/dev/char", "240:5"));
    CHECK_FALSE(listed("/dev", "probe0"));
    CHECK(error_of(lookup_at(AT_FDCWD, "/dev/probe0", 0)) == Errno::ENOENT);
    CHECK(error_of(lookup_at(AT_FDCWD, "/sys/class/test/probe0/value", 0)) == Errno::ENOENT);
    held.value().reset();
    Dentry::prune(nullptr);
    CHECK(TestDevice::destroyed == before + 2);
    REQUIRE(do_umount("/dev", 0).ok());
}

TEST_CASE("attributes are read and written, and refuse what they cannot") {
    Mounted sys;
    RefPtr<TestDevice> d = add_device("attr0");
    const std::string dir = "/sys/class/test/attr0/";
    CHECK(read_file((dir + "value").c_str()) == "7\n");
    CHECK(read_file((dir + "more/value").c_str()) == "7\n");
    CHECK(read_file((dir + "blob").c_str()).size() == 1000);
    CHECK_FALSE(listed((dir + "more").c_str(), "blob"));
    KernelStat st;
    lookup_at(AT_FDCWD, (dir + "value").c_str(), 0).release_value().inode().getattr(&st);
    CHECK(st.st_size == 4096);
    CHECK(st.st_mode == (S_IFREG | 0644u));
    CHECK(error_of(open_at(AT_FDCWD, (dir + "blob").c_str(), O_RDWR, 0)) == Errno::EACCES);
    CHECK(error_of(vfs_mkdir(AT_FDCWD, (dir + "new").c_str(), 0755)) == Errno::EPERM);
    CHECK(error_of(vfs_unlink(AT_FDCWD, (dir + "value").c_str())) == Errno::EPERM);
    CHECK(error_of(TestDevice::store(*d, "101\n", 4)) == Errno::ERANGE);
    CHECK(error_of(TestDevice::store(*d, "x\n", 2)) == Errno::EINVAL);
    CHECK(TestDevice::store(*d, "0x10\n", 5).ok());
    CHECK(read_file((dir + "value").c_str()) == "16\n");
    device_remove(*d);
}

TEST_CASE("an event's message is as netlink carries it") {
    World world;
    static std::string seen;
    set_uevent_listener([](const char* text, size_t size) { seen.assign(text, size); });
    RefPtr<TestDevice> d = add_device("event0", make_dev(240, 9));
    const std::string number = std::to_string(uevent_sequence());
    const char expected[] =
        "add@/devices/virtual/test/event0\0ACTION=add\0DEVPATH=/devices/virtual/test/event0\0SUBSYSTEM=test\0"
        "MAJOR=240\0MINOR=9\0DEVNAME=event0\0SEQNUM=";
    CHECK(seen == std::string(expected, sizeof(expected) - 1) + number + '\0');
    device_remove(*d);
    CHECK(seen.substr(0, 7) == "remove@");
    set_uevent_listener(nullptr);
}

TEST_CASE("drivers take the devices of their bus that they match") {
    Mounted sys;
    struct Taker final : Driver {
        Taker() : Driver("taker0") {}
        bool can_remove() const override { return true; }
        Result<void> probe(Device&) override { return probed++ ? Errno::ENODEV : Result<void>(); }
        void remove_device(Device&) override { removed++; }
        int probed = 0, removed = 0;
    };
    Device& device = platform_device_create("taker0");
    CHECK(device.driver() == nullptr);
    RefPtr<Taker> driver = make_ref<Taker>().release_value();
    REQUIRE(driver_register(platform_bus(), *driver).ok());
    CHECK(device.driver() == driver.get());
    CHECK(link_text("/sys/bus/platform/drivers/taker0/taker0") == "../../../../devices/platform/taker0");
    CHECK(link_text("/sys/devices/platform/taker0/driver") == "../../../bus/platform/drivers/taker0");
    CHECK(read_file("/sys/devices/platform/taker0/uevent") == "DRIVER=taker0\nMODALIAS=platform:taker0\n");
    device_remove(device);
    CHECK(driver->removed == 1);
    driver->remove();
}

TEST_CASE("resources nest, and none lies half in another") {
    World world;
    const auto add = [](const char* name, u64 start, u64 end) {
        return error_of(insert_resource(AddressSpace::kMemory, name, start, end));
    };
    CHECK(add("b", 0x2000, 0x2fff) == Errno::OK);
    CHECK(add("a", 0x1000, 0x1fff) == Errno::OK);
    CHECK(add("in b", 0x2100, 0x21ff) == Errno::OK);
    CHECK(add("half", 0x2800, 0x37ff) == Errno::EBUSY);
    CHECK(add("over", 0x1800, 0x2fff) == Errno::EBUSY);
    CHECK(add("all", 0x1000, 0x3fff) == Errno::OK);  // what was there goes below it
    CHECK(add("same as b", 0x2000, 0x2fff) == Errno::OK);
    std::string text;
    ResourceRow row;
    for (unsigned i = 0; resource_row(AddressSpace::kMemory, i, &row); i++)
        text += std::string(row.depth, '-') + row.name + "\n";
    CHECK(text == "all\n-a\n-b\n--same as b\n---in b\n");
}
