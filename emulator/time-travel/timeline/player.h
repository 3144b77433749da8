// Plays logged inputs into a machine as it runs, each at the moment at which it entered.
#pragma once

#include <vector>

#include "emulator/machine/companion.h"
#include "emulator/machine/machine.h"

namespace orrery {

class Player : public Companion {
  public:
    // `inputs`, in the order in which they entered, must outlive the player, and may grow.
    Player(Machine& machine, const std::vector<LoggedInput>& inputs);
    ~Player() override;
    Player(const Player&) = delete;
    Player& operator=(const Player&) = delete;

    // Plays on from the `index`-th input; `inputs` may be another log from now on.
    void set(const std::vector<LoggedInput>& inputs, size_t index);
    // How many of the inputs have entered.
    size_t played() const { return played_; }

    Waypoint next() const override;
    void reached() override;

  private:
    Machine& machine_;
    const std::vector<LoggedInput>* inputs_;
    size_t played_ = 0;
};

}  // namespace orrery
